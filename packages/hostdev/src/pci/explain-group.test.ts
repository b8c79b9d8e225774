// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeMachine, fakeMachine, labMachine, type MachineBuilder } from "../../test/fake-host/index.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { isolates } from "./acs.ts";
import { parseConfigSpace } from "./config-space.ts";
import { enumerateFunctions } from "./enumerate.ts";
import { explainGroup } from "./explain-group.ts";
import { readIommuGroup } from "./iommu-group.ts";

const isolating = 0x1d;

/** Boots, and gives PCI Express functions the files on links that the kernel makes, and some ports ACS. */
function boot(builder: MachineBuilder, acs: Readonly<Record<string, number>> = {}): FakeMachine {
  const machine = builder.user("reader", 2000).build();
  for (const { address } of enumerateFunctions(machine.open())) {
    const { config, path } = machine.function(address);
    if (config.length > 256) machine.fs.add(`${path}/max_link_speed`, attribute("8.0 GT/s PCIe"));
    const control = acs[address];
    if (control !== undefined) config.set([0x0d, 0, 1, 0, 0x1f, 0, control, 0], 0x100);
  }
  return machine;
}

/** The explanation as root and as an ordinary user. */
function explain(machine: FakeMachine, number: number) {
  const [root, user] = [machine.open(), machine.open("reader")].map((host) => {
    const group = readIommuGroup(host, number);
    assert.ok(group !== undefined);
    return explainGroup(host, group);
  });
  assert.ok(root !== undefined && user !== undefined);
  return { root, user };
}

const brief = ({ reasons }: ReturnType<typeof explainGroup>) =>
  reasons.map(({ kind, at, members, certainty }) => `${certainty} ${kind} ${at}: ${members.join(" ")}`);

test("explainGroup() names a multi-function device", () => {
  const builder = fakeMachine()
    .iommu()
    .bridge("0000:00:02.0", { secondary: 1, group: 2 })
    .function("0000:01:00.0", { class: "010802", group: 7 })
    .function("0000:01:00.1", { class: "0c0330", group: 7 });
  const { root, user } = explain(boot(builder, { "0000:00:02.0": isolating }), 7);
  assert.deepEqual(brief(root), ["seen multi-function 0000:01:00.0: 0000:01:00.0 0000:01:00.1"]);
  assert.deepEqual(brief(user), ["likely multi-function 0000:01:00.0: 0000:01:00.0 0000:01:00.1"]);
  assert.deepEqual([root.unread, user.unread], [[], ["0000:01:00.0", "0000:01:00.1"]]);
  assert.match(root.text, /^0000:01:00\.0 and 0000:01:00\.1 are functions of one device, without ACS/);
});

test("explainGroup() names the bridge to a conventional bus, also without privilege", () => {
  const { root, user } = explain(boot(labMachine()), 13);
  const members = "0000:03:00.0 0000:04:01.0 0000:04:02.0 0000:04:03.0";
  assert.deepEqual(brief(root), [`seen conventional-bridge 0000:03:00.0: ${members}`]);
  assert.deepEqual(brief(user), [`likely conventional-bridge 0000:03:00.0: ${members}`]);
  assert.deepEqual(user.unread, ["0000:03:00.0"]);
  assert.match(user.text, /^PCIe-to-PCI bridge 0000:03:00\.0 has one shared bus behind it/);
});

test("explainGroup() names the outermost of bridges to conventional buses", () => {
  const builder = fakeMachine()
    .iommu()
    .bridge("0000:00:1e.0", { secondary: 1, subordinate: 2, pcie: false, group: 7 })
    .bridge("0000:01:01.0", { secondary: 2, pcie: false, group: 7 })
    .function("0000:02:01.0", { pcie: false, group: 7 })
    .function("0000:02:01.1", { pcie: false, group: 7 });
  const all = "0000:00:1e.0 0000:01:01.0 0000:02:01.0 0000:02:01.1";
  const { root, user } = explain(boot(builder), 7);
  assert.deepEqual(brief(root), [`seen conventional-bridge 0000:00:1e.0: ${all}`]);
  assert.deepEqual([brief(user), user.unread], [brief(root), []]); // that it is no PCI Express shows without config space
  assert.deepEqual(user.reasons[0]?.text.slice(0, 23), "PCI bridge 0000:00:1e.0");
});

const switchTree = () =>
  fakeMachine()
    .iommu()
    .bridge("0000:00:02.0", { secondary: 1, subordinate: 5, group: 1 })
    .bridge("0000:01:00.0", { secondary: 2, subordinate: 4, portType: 5, group: 2 })
    .bridge("0000:02:00.0", { secondary: 3, portType: 6, group: 7 })
    .bridge("0000:02:01.0", { secondary: 4, portType: 6, group: 8 })
    .function("0000:03:00.0", { group: 7 })
    .function("0000:04:00.0", { group: 8 });

test("explainGroup() names the switch port without ACS", () => {
  const { root, user } = explain(boot(switchTree(), { "0000:00:02.0": isolating }), 7);
  assert.deepEqual(brief(root), ["seen port-without-acs 0000:02:00.0: 0000:02:00.0 0000:03:00.0"]);
  assert.deepEqual(brief(user), ["likely port-without-acs 0000:02:00.0: 0000:02:00.0 0000:03:00.0"]);
  assert.deepEqual(user.unread, ["0000:02:00.0"]);
  assert.match(root.text, /^Switch port 0000:02:00\.0 has no ACS: it may pass requests of 0000:03:00\.0 on/);
  assert.match(user.text, /^Switch port 0000:02:00\.0 is in one group with what is behind it/);
});

test("explainGroup() names the bits of ACS that are off", () => {
  const { root } = explain(boot(switchTree(), { "0000:00:02.0": isolating, "0000:02:00.0": 0x01 }), 7);
  assert.match(root.text, /^Switch port 0000:02:00\.0 has ACS RR CR UF switched off/);
});

test("explainGroup() names root ports without ACS, and the device that they are", () => {
  const builder = fakeMachine()
    .iommu()
    .bridge("0000:00:08.0", { secondary: 1, group: 7 })
    .bridge("0000:00:08.1", { secondary: 2, group: 7 })
    .function("0000:01:00.0", { group: 7 })
    .function("0000:02:00.0", { group: 7 });
  const { root, user } = explain(boot(builder), 7);
  const expected = [
    "seen port-without-acs 0000:00:08.0: 0000:00:08.0 0000:01:00.0",
    "seen port-without-acs 0000:00:08.1: 0000:00:08.1 0000:02:00.0",
    "seen multi-function 0000:00:08.0: 0000:00:08.0 0000:00:08.1",
  ];
  assert.deepEqual(brief(root), expected);
  assert.deepEqual(
    brief(user),
    expected.map((line) => line.replace("seen", "likely")),
  );
  assert.deepEqual(user.unread, ["0000:00:08.0", "0000:00:08.1"]);
});

test("explainGroup() blames, of ports that it cannot read, the topmost only", () => {
  const builder = fakeMachine()
    .iommu()
    .bridge("0000:00:02.0", { secondary: 1, subordinate: 3, group: 7 })
    .bridge("0000:01:00.0", { secondary: 2, subordinate: 3, portType: 5, group: 7 })
    .bridge("0000:02:00.0", { secondary: 3, portType: 6, group: 7 })
    .function("0000:03:00.0", { group: 7 });
  const { root, user } = explain(boot(builder, { "0000:02:00.0": isolating }), 7);
  const expected = "port-without-acs 0000:00:02.0: 0000:00:02.0 0000:01:00.0 0000:02:00.0 0000:03:00.0";
  assert.deepEqual(brief(user), [`likely ${expected}`]);
  assert.deepEqual(brief(root), [`seen ${expected}`]); // an upstream port has nothing to turn round to
});

test("explainGroup() says who keeps a lone function apart", () => {
  const { root, user } = explain(boot(labMachine(), { "0000:00:02.0": isolating }), 11);
  assert.deepEqual([root.reasons, user.reasons], [[], []]);
  assert.equal(
    root.text,
    "0000:01:00.0 is alone in its group: 0000:00:02.0 (ACS SV RR CR UF) above keeps it apart from the rest.",
  );
  assert.equal(user.text, "0000:01:00.0 is alone in its group: 0000:00:02.0 above keeps it apart from the rest.");
  assert.deepEqual([root.unread, user.unread], [[], ["0000:00:02.0"]]);
});

test("explainGroup() knows a virtual function", async () => {
  const machine = boot(labMachine());
  await machine.open().writeKernel("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  assert.match(explain(machine, 20).user.text, /, a virtual function of 0000:05:00\.0, is alone in its group/);
});

test("explainGroup() admits what it cannot explain", () => {
  const builder = fakeMachine()
    .iommu()
    .function("0000:00:03.0", { group: 7 })
    .function("0000:00:04.0", { group: 7 })
    .function("0000:00:04.1", { group: 7 });
  const { root, user } = explain(boot(builder), 7);
  assert.deepEqual(brief(root), [
    "seen multi-function 0000:00:04.0: 0000:00:04.0 0000:00:04.1",
    "likely unknown 0000:00:03.0: 0000:00:03.0 0000:00:04.0",
  ]);
  assert.match(user.text, /Nothing in the PCI tree says why 0000:00:03\.0 and 0000:00:04\.0 are together/);
});

test("explainGroup() takes a group without members", () => {
  const { reasons, text } = explainGroup(fakeMachine().open(), { number: 3, members: [] });
  assert.deepEqual([reasons, text], [[], "The group has no PCI functions."]);
});

test("isolates() wants what a function supports of SV, RR, CR and UF switched on", () => {
  const port = (supported: number, enabled: number) => {
    const bytes = new Uint8Array(4096);
    bytes.set([0x10, 0], 0x06);
    bytes[0x34] = 0x40;
    bytes.set([0x10, 0, 0x42, 0], 0x40);
    bytes.set([0x0d, 0, 1, 0, supported, 0, enabled, 0], 0x100);
    return bytes;
  };
  const verdict = (bytes: Uint8Array) => isolates(parseConfigSpace(bytes, 4096), false);
  assert.equal(verdict(port(0x1f, 0x1d)), true);
  assert.equal(verdict(port(0x1f, 0x0d)), false);
  assert.equal(verdict(port(0x0d, 0x0d)), true);
  assert.equal(verdict(port(0x1f, 0x1d).subarray(0, 64)), undefined);
  assert.equal(verdict(new Uint8Array(4096)), false);
});
