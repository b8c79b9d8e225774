// SPDX-License-Identifier: Apache-2.0
import { type Finding, note, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { readAttribute } from "../pci/sysfs.ts";
import { Reader } from "../usage/reader.ts";
import { readIommu } from "./iommu.ts";
import { findArgument, readKernelArguments } from "./kernel-arguments.ts";
import { problem } from "./problem.ts";

/** Whether devices' interrupts pass the IOMMU, and how that is known. */
export interface InterruptRemapping {
  readonly state: "on" | "off" | "unknown";
  readonly evidence: string;
  /** The kernel argument that switches it off, if one does. */
  readonly argument: string | null;
}

/**
 * Finds out whether interrupts are remapped, without the kernel's log, which users may not read.
 *
 * `/proc/interrupts` shows it as it is: the kernel names the chips `IR-IO-APIC`, `IR-PCI-MSI` where interrupts are
 * remapped, and `IO-APIC`, `PCI-MSI` where not (arch/x86/kernel/apic, drivers/iommu); ARM's ITS isolates always. Where
 * this says nothing, Intel's unit tells whether it could (bit 3 of the extended capabilities, VT-d specification
 * 11.4.3); AMD's has no such bit.
 *
 * Touches: reads `/proc/interrupts`, `/sys/class/iommu`, `/proc/cmdline`. Needs: nothing.
 */
export function readInterruptRemapping(host: Host): InterruptRemapping {
  const words = readKernelArguments(host);
  const bare = words.find((word) => word === "nointremap");
  const argument = findArgument(words, "intremap", "off") ?? bare ?? null;
  const interrupts = readAttribute(host, "/proc/interrupts") ?? "";
  const chip = /\bv?IR-(?:IO-APIC|PCI-MSIX?)\b|\bITS-(?:PCI-)?MSIX?\b/.exec(interrupts)?.[0];
  if (chip !== undefined) return { state: "on", evidence: `/proc/interrupts has ${chip}`, argument };
  if (argument !== null) return { state: "off", evidence: `the kernel argument ${argument}`, argument };
  const unable = new Reader(host).names("/sys/class/iommu").find((unit) => {
    const capabilities = readAttribute(host, `/sys/class/iommu/${unit}/intel-iommu/ecap`);
    return capabilities !== undefined && (BigInt(`0x${capabilities}`) & 8n) === 0n;
  });
  if (unable !== undefined) return { state: "off", evidence: `${unable} cannot`, argument };
  const plain = /\bIO-APIC\b|\bPCI-MSIX?\b/.exec(interrupts)?.[0];
  if (plain !== undefined)
    return { state: "off", evidence: `/proc/interrupts has ${plain}, not IR-${plain}`, argument };
  return { state: "unknown", evidence: "/proc/interrupts does not show it", argument };
}

/** Checks that interrupts are remapped: without it vfio refuses every device. Nothing is said without an IOMMU. */
export function checkInterruptRemapping(host: Host): readonly Finding[] {
  if (readIommu(host).groups === 0) return [];
  const { state, evidence, argument } = readInterruptRemapping(host);
  if (state === "on") return [ok(`Interrupt remapping is on (${evidence})`)];
  if (state === "unknown") {
    return [note(`Interrupt remapping: unknown, ${evidence}; root finds it with: journalctl -k | grep -i remapping`)];
  }
  const text = `Interrupt remapping is off (${evidence}): the kernel lends no device, as it could send any interrupt`;
  return [problem("failure", "HD_INTERRUPT_REMAPPING_OFF", text, { argument })];
}
