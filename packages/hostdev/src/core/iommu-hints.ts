// SPDX-License-Identifier: Apache-2.0
import type { ErrorDetails } from "./error-details.ts";

const grub = "in /etc/default/grub (GRUB_CMDLINE_LINUX), run update-grub, and reboot.";
/** How to switch the IOMMU on, by what keeps it off. */
export const iommuHints: Readonly<Record<ErrorDetails["HD_IOMMU_OFF"]["reason"], (argument: string) => string>> = {
  "argument-missing": (argument) => `Add the kernel argument ${argument} ${grub}`,
  "argument-forbids": (argument) => `Take the kernel argument ${argument} away ${grub}`,
  "kernel-refused": () => "Look for the kernel's reason: journalctl -k | grep -e DMAR -e AMD-Vi -e IOMMU",
  firmware: () =>
    "Switch VT-d (Intel) or AMD-Vi (AMD) on in the firmware's setup; on Intel also boot with intel_iommu=on.",
  "virtual-machine": () =>
    "Give this virtual machine an IOMMU; with QEMU: -M q35,kernel-irqchip=split -device intel-iommu,intremap=on",
};

/** How to have interrupts remapped; or to have devices lent without, and what that costs. */
export function interruptRemappingHint({
  argument,
  isVirtualMachine,
}: ErrorDetails["HD_INTERRUPT_REMAPPING_OFF"]): string {
  const remedy =
    argument !== null
      ? iommuHints["argument-forbids"](argument)
      : isVirtualMachine
        ? iommuHints["virtual-machine"]("").replace("an IOMMU;", "an IOMMU that remaps interrupts;")
        : "Switch VT-d or AMD-Vi with interrupt remapping (sometimes called x2APIC) on in the firmware's setup, and update the firmware.";
  return `${remedy} Only if every user may as well be root, since a guest can then send any interrupt to the host: modprobe vfio_iommu_type1 && echo Y > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts`;
}
