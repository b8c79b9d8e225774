// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine, type MachineBuilder } from "../../test/fake-host/index.ts";
import { interruptsRefused, readInterruptSafety } from "./interrupt-safety.ts";

const off = () => labMachine().withoutInterruptRemapping();
const read = (machine: MachineBuilder) => readInterruptSafety(machine.build().open("alex"));
const parameter = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";

test("readInterruptSafety() says nothing against what is remapped, or may be", () => {
  assert.equal(read(labMachine()).state, "safe");
  assert.equal(read(labMachine().file("/proc/interrupts", "")).state, "safe");
});

test("readInterruptSafety() tells what the kernel refuses, and the hint what to do", () => {
  const safety = read(off());
  assert.ok(safety.state === "refused");
  const { message, hint } = interruptsRefused("Cannot lend it", safety);
  assert.match(message, /^Cannot lend it: interrupt remapping is off \(.*IO-APIC.*\)/);
  assert.match(hint ?? "", /^Switch .* on in the firmware's setup.*any interrupt to the host: modprobe .* echo Y > /);
});

test("readInterruptSafety() tells a virtual machine, which its host can give it", () => {
  const safety = read(off().file("/proc/cpuinfo", "flags\t\t: fpu svm hypervisor\n"));
  assert.ok(safety.state === "refused" && safety.isVirtualMachine);
  assert.match(interruptsRefused("Cannot lend it", safety).hint ?? "", /^Give this virtual machine .*intremap=on/);
});

test("readInterruptSafety() believes the switch in force before the configured one", () => {
  assert.equal(read(off().file(parameter, "Y\n")).state, "given-up");
  assert.equal(read(off().file("/proc/cmdline", "vfio_iommu_type1.allow_unsafe_interrupts=1")).state, "given-up");
  assert.equal(read(off().file("/etc/modprobe.d/x.conf", "options iommufd allow_unsafe_interrupts")).state, "given-up");
  const isOverruled = off().file(parameter, "N\n").file("/proc/cmdline", "vfio_iommu_type1.allow_unsafe_interrupts=1");
  assert.equal(read(isOverruled).state, "refused");
});
