// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../../test/fake-host/index.ts";
import { runHostdev } from "../../../test/run-hostdev.ts";
import { adminProgram } from "../admin-program.ts";
import { runProgram } from "../run-program.ts";

/** The facts of `hostdev show`, by name; of one that comes more than once, all texts. */
function factsOf(text: string): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  for (const [, name = "", value = ""] of text.matchAll(/^ {2}(\S.{11}) {2}?(.*)$/gm)) {
    const key = name.trim();
    facts.set(key, facts.has(key) ? `${facts.get(key)}; ${value}` : value);
  }
  return facts;
}

const quiet = { print: () => {}, warn: () => {}, width: undefined, hasColour: false };

/** The lab's machine, with group 13 lent to alex, whose VM has it open. */
async function lentMachine() {
  const machine = labMachine().build();
  const grant = "grant 04:01.0 --to alex --memory 256MiB --hold 04:03.0 --hold 04:02.0 --accept-no-reset";
  assert.equal(await runProgram(adminProgram, grant.split(" "), machine.open(), quiet), 0);
  const qemu = machine.process({ user: "alex", comm: "qemu-system-x86", cmdline: ["qemu", "-name", "guest=vm"] });
  machine.holdGroup(qemu, 13);
  return { machine, qemu };
}

test("show: everything about one function, for an ordinary user", async () => {
  const host = labMachine().build().open("alex");
  const { stdout, status } = await runHostdev(host, ["show", "enp1s0"]);
  assert.equal(status, 0);
  const facts = factsOf(stdout);
  assert.equal(facts.get("verdict"), "grantable");
  assert.equal(facts.get("driver"), "e1000e");
  assert.match(facts.get("IOMMU group") ?? "", /^11/);
  assert.equal(facts.get("reset"), "flr");
  assert.match(facts.get("BAR 0") ?? "", /memory/);
  assert.equal(facts.get("lent"), "no");
  assert.equal(facts.get("open in"), "no process of yours");
  assert.match(stdout, /^Why grouped\n {2}0000:01:00\.0 is alone in its group/m);
  assert.match(stdout, /Root also sees .*sudo hostdev show 0000:01:00\.0/);
});

test("show: root sees capabilities and serial number, and is not sent to root", async () => {
  const { stdout } = await runHostdev(labMachine().build().open(), ["show", "01:00.0"]);
  assert.match(factsOf(stdout).get("capabilities") ?? "", /PCI Express/);
  assert.match(factsOf(stdout).get("serial") ?? "", /^52-54-00-ff-ff-12-34-56/);
  assert.doesNotMatch(stdout, /sudo/);
});

test("show: the grant, the role of each member and who has the node open", async () => {
  const { machine, qemu } = await lentMachine();
  for (const user of ["root", "alex"]) {
    const { stdout } = await runHostdev(machine.open(user), ["show", "04:01.0"]);
    const facts = factsOf(stdout);
    assert.match(facts.get("lent") ?? "", /^to alex, since \d{4}-.*, by root$/);
    assert.equal(facts.get("open in"), `process ${qemu.pid} of alex (VM "vm")`);
    assert.match(facts.get("IOMMU group") ?? "", /^13, .*node of alex$/);
    assert.match(stdout, /^ {2}0000:04:01\.0 .*: this device, given to alex$/m);
    assert.match(stdout, /^ {2}0000:04:03\.0 .*: held, out of everyone's reach$/m);
    assert.match(stdout, /^ {2}0000:03:00\.0 .*: bridge, stays with the host$/m);
    assert.match(stdout, /PCIe-to-PCI bridge 0000:03:00\.0/);
  }
  const held = await runHostdev(machine.open("bea"), ["show", "04:03.0"]);
  assert.match(factsOf(held.stdout).get("lent") ?? "", /^no, but held for the grant of 0000:04:01\.0 to alex/);
  assert.equal(factsOf(held.stdout).get("open in"), "no process of yours");
});

test("show: SR-IOV from both sides", async () => {
  const machine = labMachine().build();
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  const physical = await runHostdev(machine.open("alex"), ["show", "05:00.0"]);
  const vfs = /^physical function, 2 of 7 virtual functions: (\S+) (\S+)$/.exec(
    factsOf(physical.stdout).get("SR-IOV") ?? "",
  );
  assert.ok(vfs?.[2] !== undefined, physical.stdout);
  const virtual = await runHostdev(machine.open("alex"), ["show", vfs[2]]);
  assert.equal(factsOf(virtual.stdout).get("SR-IOV"), "virtual function 1 of 0000:05:00.0");
});

test("show: all reserved regions, with what they mean", async () => {
  const regions = "0x00000000000a0000 0x00000000000bffff direct\n0x00000000fee00000 0x00000000feefffff msi\n";
  const host = labMachine().build().open("alex");
  const readText = host.readText.bind(host);
  host.readText = (path) => (path === "/sys/kernel/iommu_groups/11/reserved_regions" ? regions : readText(path));
  const { stdout } = await runHostdev(host, ["show", "01:00.0"]);
  const text = factsOf(stdout).get("reserved") ?? "";
  assert.match(text, /^0xa0000-0xbffff, used by the firmware: the group cannot be lent; 0xfee00000-0xfeefffff, where/);
});

test("show: a device that does not answer is said not to", async () => {
  const config = new Uint8Array(4096).fill(0xff);
  const host = labMachine().function("0000:00:1e.0", { config }).build().open("alex");
  assert.match(
    factsOf((await runHostdev(host, ["show", "00:1e.0"])).stdout).get("config space") ?? "",
    /does not answer/,
  );
});

test("show: a broken record does not hide the device", async () => {
  const host = labMachine().file("/var/lib/hostdev/grants/0000:06:00.0.jsonl", "no record\n").build().open("alex");
  const { stdout, status } = await runHostdev(host, ["show", "01:00.0"]);
  assert.equal(status, 0);
  assert.match(factsOf(stdout).get("lent") ?? "", /0000:06:00\.0\.jsonl/);
});

test("show: names that others chose cannot steer the terminal", async () => {
  const machine = labMachine().function("0000:00:1e.0", { driver: "x", net: "\u001b[31mred\u009b" }).build();
  const { stdout } = await runHostdev(machine.open("alex"), ["show", "00:1e.0"]);
  assert.equal(factsOf(stdout).get("host names"), "\\x1b[31mred\\x9b");
});

test("show: what is not there is one clear error", async () => {
  const host = labMachine().build().open("alex");
  for (const [device, status] of [
    ["09:00.0", 3],
    ["nonsense", 3],
    ["1:2:3", 2],
    ["", 2],
  ] as const) {
    const ran = await runHostdev(host, ["show", device]);
    assert.deepEqual(
      [ran.stdout, ran.stderr.split("\n")[0]?.startsWith("hostdev: "), ran.status],
      ["", true, status],
      device,
    );
  }
});
