// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine, type MachineBuilder } from "../../test/fake-host/index.ts";
import { parseModuleOptions } from "../vfio/module-options.ts";
import { checkUnsafeSwitches } from "./unsafe-switches.ts";

const found = (machine: MachineBuilder) => checkUnsafeSwitches(machine.build().open("alex"));
const unsafeInterrupts = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";

test("checkUnsafeSwitches() is content with a machine without any", () => {
  assert.deepEqual(
    found(labMachine()).map(({ level }) => level),
    ["ok"],
  );
});

test("checkUnsafeSwitches() finds each switch that is set", () => {
  const machine = labMachine()
    .withoutInterruptRemapping()
    .file(unsafeInterrupts, "Y\n")
    .file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n")
    .file("/sys/module/vfio_pci/parameters/disable_denylist", "N\n")
    .file("/proc/cmdline", "ro pcie_acs_override=downstream,multifunction");
  const findings = found(machine);
  assert.deepEqual(
    findings.map(({ code, level }) => [code, level]),
    Array.from({ length: 3 }, () => ["HD_UNSAFE_SWITCH", "failure"]),
  );
  assert.match(findings.map(({ text }) => text).join("\n"), /noiommu_mode is set.*\npcie_acs_override=downstream/);
});

test("checkUnsafeSwitches() only warns of unsafe interrupts where the switch has no effect", () => {
  const machine = labMachine().file(unsafeInterrupts, "Y\n");
  assert.deepEqual(
    found(machine).map(({ level }) => level),
    ["warning"],
  );
});

test("checkUnsafeSwitches() finds what a module would get when it is loaded", () => {
  const path = "/etc/modprobe.d/vfio.conf";
  const [configured] = found(labMachine().file(path, "options vfio-iommu-type1 allow_unsafe_interrupts=1\n"));
  assert.match(configured?.text ?? "", /will be set when the module is loaded \(\/etc\/modprobe.d\/vfio.conf\)/);
  const [argued] = found(labMachine().file("/proc/cmdline", "vfio_pci.disable_denylist"));
  assert.match(argued?.text ?? "", /^vfio_pci.disable_denylist will be set .*the kernel's arguments/);
});

test("checkUnsafeSwitches() notes that iommu=pt is harmless", () => {
  assert.deepEqual(
    found(labMachine().file("/proc/cmdline", "iommu=pt")).map(({ level }) => level),
    ["ok", "note"],
  );
});

test("parseModuleOptions() knows comments, continued lines and switches without a value", () => {
  const text = "# options vfio a=1\noptions vfio-pci ids=8086:10d3 \\\n  disable_vga\nsoftdep x pre: vfio-pci\n";
  assert.deepEqual(
    parseModuleOptions(text, "x").map(({ module, name, value }) => [module, name, value]),
    [
      ["vfio_pci", "ids", "8086:10d3"],
      ["vfio_pci", "disable_vga", "Y"],
    ],
  );
});
