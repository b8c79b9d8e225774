// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/index.ts";
import { readInterruptRemapping } from "./interrupt-remapping.ts";

const row = (chip: string) => `           CPU0       \n  0:         44  ${chip}   2-edge      timer\n`;
const state = (interrupts: string, cmdline = "ro") =>
  readInterruptRemapping(
    labMachine().file("/proc/interrupts", interrupts).file("/proc/cmdline", cmdline).build().open("alex"),
  ).state;

test("readInterruptRemapping() believes the names of the interrupt chips", () => {
  assert.equal(state(row("IR-IO-APIC")), "on");
  assert.equal(state(row("IR-PCI-MSIX-0000:01:00.0")), "on");
  assert.equal(state(row("vIR-PCI-MSI-0000:01:00.0")), "on");
  assert.equal(state(row("ITS-PCI-MSI")), "on");
  assert.equal(state(row("IO-APIC")), "off");
});

test("readInterruptRemapping() takes a single remapped chip for on: AMD's unit has a plain one of its own", () => {
  assert.equal(state(row("PCI-MSI-0000:00:00.2") + row("IR-IO-APIC")), "on");
});

test("readInterruptRemapping() is unknown where nothing proves it", () => {
  assert.equal(state(""), "unknown");
  assert.equal(state(row("PCI-MSI-0000:00:00.2")), "unknown");
  assert.equal(state(row("GICv3"), "ro intremap=off"), "unknown");
  assert.equal(state(row("xen-pirq -ioapic-level")), "unknown");
});
