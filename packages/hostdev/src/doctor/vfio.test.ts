// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine, noIommuMachine } from "../../test/fake-host/index.ts";
import { checkContainerNode } from "./container-node.ts";
import { checkVfioModules } from "./vfio-modules.ts";

test("checkVfioModules() is content with modules that can be loaded, and with those that are", async () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  const findings = await checkVfioModules(machine.open("alex"));
  assert.deepEqual(
    findings.map(({ text }) => text),
    ["vfio_iommu_type1 is there", "vfio-pci is there", "pci-stub can be loaded"],
  );
});

test("checkVfioModules() names a module that the kernel does not have", async () => {
  const findings = await checkVfioModules(labMachine().withoutModule("vfio-pci").open());
  const [failure] = findings.filter(({ level }) => level === "failure");
  assert.equal(failure?.code, "HD_MODULE_MISSING");
  assert.match(failure?.text ?? "", /^Cannot load the module vfio-pci: modprobe: FATAL: Module vfio-pci not found/);
});

test("checkVfioModules() finds a module that modprobe.d keeps out, and a kernel that takes none", async () => {
  const machine = labMachine().build();
  machine.command("modprobe", () => ({ stdout: "install /bin/false \n" }), { mutates: false });
  assert.match((await checkVfioModules(machine.open()))[0]?.text ?? "", /modprobe.d has "\/bin\/false" run instead/);
  const closed = labMachine().file("/proc/sys/kernel/modules_disabled", "1\n").open();
  assert.match((await checkVfioModules(closed))[0]?.text ?? "", /takes no more modules/);
});

test("checkContainerNode() wants a node that every user may open", () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  const host = machine.open("alex");
  assert.equal(checkContainerNode(host)[0]?.level, "ok");
  machine.open().setOwnership("/dev/vfio/vfio", { uid: 0, gid: 0, mode: 0o600 });
  const [finding] = checkContainerNode(host);
  assert.equal(finding?.code, "HD_CONTAINER_NOT_ACCESSIBLE");
  assert.match(finding?.text ?? "", /has mode 0600, as systemd 254/);
  assert.equal(checkContainerNode(machine.open())[0]?.level, "failure", "root can open it, users cannot");
});

test("checkContainerNode() misses the node only once its module is loaded", () => {
  assert.equal(checkContainerNode(noIommuMachine().open())[0]?.level, "note");
  const machine = noIommuMachine().bootModule("vfio-pci").build();
  machine.fs.remove("/dev/vfio");
  assert.equal(checkContainerNode(machine.open())[0]?.level, "failure");
});
