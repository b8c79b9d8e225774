// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/index.ts";
import type { GrantedEndpoint } from "./granted.ts";
import { checkGroupMates } from "./group-mates.ts";
import { checkOtherManagers } from "./other-managers.ts";

/** Group 13: the NIC lent to alex, both mates held. */
function lent() {
  const machine = labMachine().bootModule("vfio-pci").bootModule("pci-stub").build();
  machine.rebind("0000:04:01.0", "vfio-pci");
  for (const mate of ["0000:04:02.0", "0000:04:03.0"]) machine.rebind(mate, "pci-stub");
  machine.open().setOwnership("/dev/vfio/13", { uid: 1000, gid: 0, mode: 0o600 });
  const granted = ["0000:04:01.0", "0000:04:02.0", "0000:04:03.0"].map(
    (address, index): GrantedEndpoint => ({
      address,
      role: index === 0 ? "give" : "hold",
      grant: "0000:04:01.0",
      user: "alex",
    }),
  );
  return { machine, granted };
}

test("checkGroupMates() is content while only the lent function can be reached", async () => {
  const { machine, granted } = lent();
  const [finding] = await checkGroupMates(machine.open("bea"), granted);
  assert.equal(finding?.text, "/dev/vfio/13 gives alex what was granted, and no more");
});

test("checkGroupMates() finds a mate that came onto vfio-pci", async () => {
  const { machine, granted } = lent();
  machine.rebind("0000:04:03.0", "vfio-pci");
  const [finding, ...rest] = await checkGroupMates(machine.open(), granted);
  assert.equal(finding?.code, "HD_MATE_REACHABLE");
  assert.match(finding?.fix ?? "", /revoke 0000:04:01.0, .* --hold 0000:04:03.0$/);
  assert.deepEqual(rest, []);
});

test("checkGroupMates() notes a node that was given away by hand", async () => {
  const { machine } = lent();
  const findings = await checkGroupMates(machine.open(), []);
  assert.deepEqual(
    findings.map(({ level }) => level),
    ["note"],
  );
});

test("checkOtherManagers() is content without any", () => {
  const { machine, granted } = lent();
  assert.deepEqual(
    checkOtherManagers(machine.open("alex"), granted).map(({ level }) => level),
    ["ok"],
  );
});

test("checkOtherManagers() finds driverctl, ids of vfio-pci, libvirt, and what was bound by hand", () => {
  const machine = labMachine()
    .bootModule("vfio-pci")
    .file("/etc/driverctl.d/pci-0000:05:00.0", "vfio-pci\n")
    .file("/etc/modprobe.d/vfio.conf", "options vfio-pci ids=8086:10d3\n")
    .file("/proc/cmdline", "vfio-pci.ids=1b36:0010")
    .build();
  machine.fs.add("/run/libvirt/libvirt-sock", { kind: "socket", mode: 0o777, uid: 0, gid: 0 });
  machine.rebind("0000:02:00.0", "vfio-pci");
  const findings = checkOtherManagers(machine.open("alex"), []);
  assert.deepEqual(
    findings.map(({ level, fix }) => [level, fix]),
    [
      ["warning", "If it is to be lent, first run: driverctl unset-override 0000:05:00.0"],
      ["warning", "Take ids=8086:10d3 out of /etc/modprobe.d/vfio.conf; a grant needs no ids."],
      ["warning", "Take ids=1b36:0010 out of the kernel's arguments; a grant needs no ids."],
      ["note", undefined],
      ["note", undefined],
    ],
  );
  assert.equal(findings.at(-1)?.text, "On vfio-pci, but not by a grant of hostdev: 0000:02:00.0");
});
