// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { listNames, readAttribute } from "../pci/sysfs.ts";
import { findArgument, readKernelArguments } from "./kernel-arguments.ts";

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
 * `/proc/interrupts` shows it as it is. On x86 the kernel names the chips `IR-IO-APIC`, `IR-PCI-MSI` where interrupts are
 * remapped, and it does that for all of them or for none (arch/x86/kernel/apic/io_apic.c, mp_irqdomain_alloc;
 * drivers/iommu/{intel,amd}). ARM's ITS isolates always. `off` is only what is certain, since devices are refused for it: an
 * IO-APIC, which nothing but x86 has, that is not behind the remapping; or an Intel unit that says that it cannot (bit 3
 * of the extended capabilities, VT-d specification 11.4.3): one such unit, and the kernel remaps for none. A plain
 * `PCI-MSI` alone proves nothing: AMD's IOMMU has one for itself.
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
  const unable = listNames(host, "/sys/class/iommu").find((unit) => {
    const capabilities = readAttribute(host, `/sys/class/iommu/${unit}/intel-iommu/ecap`) ?? "";
    return /^[0-9a-f]{1,16}$/.test(capabilities) && (BigInt(`0x${capabilities}`) & 8n) === 0n;
  });
  const hasPlain = /\sIO-APIC\b/.test(interrupts);
  if (hasPlain && argument !== null) return { state: "off", evidence: `the kernel argument ${argument}`, argument };
  if (unable !== undefined) return { state: "off", evidence: `${unable} cannot`, argument };
  if (hasPlain) return { state: "off", evidence: "/proc/interrupts has IO-APIC, not IR-IO-APIC", argument };
  return { state: "unknown", evidence: "/proc/interrupts does not show it", argument };
}
