// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine, type MachineBuilder, noIommuMachine } from "../../test/fake-host/index.ts";
import { checkIommu } from "./iommu.ts";

const details = (machine: MachineBuilder) => {
  const [finding] = checkIommu(machine.open());
  assert.equal(finding?.code, "HD_IOMMU_OFF");
  return { ...finding?.details, text: finding?.text };
};
const dmar = "/sys/firmware/acpi/tables/DMAR";

test("checkIommu() tells the units and groups of one that is on", () => {
  const [finding] = checkIommu(labMachine().build().open("alex"));
  assert.equal(finding?.level, "ok");
  assert.match(finding?.text ?? "", /^The IOMMU is on \(dmar0\), with \d+ groups$/);
});

test("checkIommu() names the missing kernel argument when the firmware has a table", () => {
  const { reason, argument } = details(noIommuMachine().file(dmar, "")) as Record<string, unknown>;
  assert.deepEqual({ reason, argument }, { reason: "argument-missing", argument: "intel_iommu=on" });
});

test("checkIommu() names the kernel argument that switches it off, also within a list", () => {
  const machine = noIommuMachine()
    .file("/sys/firmware/acpi/tables/IVRS", "")
    .file("/proc/cmdline", "ro amd_iommu=pt,off");
  assert.deepEqual(details(machine), {
    reason: "argument-forbids",
    argument: "amd_iommu=off",
    text: "The IOMMU is off: the machine has one (IVRS), but the kernel argument amd_iommu=off switches it off",
  });
});

test("checkIommu() sends to the kernel's log when nothing else explains it", () => {
  const machine = noIommuMachine().file(dmar, "").file("/proc/cmdline", "intel_iommu=on");
  assert.match(checkIommu(machine.open())[0]?.fix ?? "", /journalctl -k/);
});

test("checkIommu() tells firmware from hypervisor by the processor's flags", () => {
  const withFlags = (flags: string) => details(noIommuMachine().file("/proc/cpuinfo", `flags\t\t: fpu ${flags}\n`));
  assert.equal((withFlags("hypervisor svm") as Record<string, unknown>)["reason"], "virtual-machine");
  assert.match(withFlags("vmx").text ?? "", /has vmx, so that most likely/);
  assert.match(withFlags("sse").text ?? "", /neither vmx nor svm/);
});

test("checkIommu() does not take the groups of no-IOMMU mode for an IOMMU", () => {
  const machine = noIommuMachine().file("/sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
  assert.equal(checkIommu(machine.open())[0]?.level, "failure");
});
