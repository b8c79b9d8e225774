// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine, noIommuMachine } from "../../test/fake-host/index.ts";
import { checkInterruptRemapping, readInterruptRemapping } from "./interrupt-remapping.ts";

const row = (chip: string) => `           CPU0       \n  0:         44  ${chip}   2-edge      timer\n`;
const lab = (interrupts: string, cmdline = "ro") =>
  labMachine().file("/proc/interrupts", interrupts).file("/proc/cmdline", cmdline).build().open("alex");

test("readInterruptRemapping() believes the names of the interrupt chips", () => {
  assert.equal(readInterruptRemapping(lab(row("IR-IO-APIC"))).state, "on");
  assert.equal(readInterruptRemapping(lab(row("IR-PCI-MSIX-0000:01:00.0"))).state, "on");
  assert.equal(readInterruptRemapping(lab(row("ITS-PCI-MSI"))).state, "on");
  assert.equal(readInterruptRemapping(lab(row("IO-APIC"))).state, "off");
});

test("readInterruptRemapping() is unknown where nothing shows it", () => {
  assert.equal(readInterruptRemapping(labMachine().open()).state, "unknown");
});

test("checkInterruptRemapping() fails with the kernel argument to take away", () => {
  const [finding] = checkInterruptRemapping(lab(row("IO-APIC"), "ro intremap=off"));
  assert.equal(finding?.code, "HD_INTERRUPT_REMAPPING_OFF");
  assert.match(finding?.fix ?? "", /^Take the kernel argument intremap=off away/);
});

test("checkInterruptRemapping() names the unit that cannot", () => {
  const ecap = "/sys/devices/virtual/iommu/dmar0/intel-iommu/ecap";
  const [finding] = checkInterruptRemapping(labMachine().file(ecap, "f01052\n").open());
  assert.match(finding?.text ?? "", /dmar0 cannot/);
});

test("checkInterruptRemapping() says nothing without an IOMMU", () => {
  assert.deepEqual(checkInterruptRemapping(noIommuMachine().open()), []);
});
