// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { readAttribute } from "../pci/sysfs.ts";
import { readInterruptRemapping } from "./interrupt-remapping.ts";
import { readModuleOptions, readModuleSwitch } from "./module-options.ts";

/** What VFIO does on a machine as to its devices' interrupts. */
export type InterruptSafety =
  /** They are remapped, or nobody can tell: nothing is said against lending. */
  | { readonly state: "safe" }
  /** They are not, and an administrator has told the kernel, by `parameter`, to lend all the same. */
  | { readonly state: "given-up"; readonly evidence: string; readonly parameter: string }
  /** They are not, and the kernel attaches no group to VFIO: EPERM, which a user sees in QEMU's words. */
  | {
      readonly state: "refused";
      readonly evidence: string;
      readonly argument: string | null;
      readonly isVirtualMachine: boolean;
    };

/** Of VFIO's own backend, and of the one that takes its place in kernels that have only iommufd. */
const backends = ["vfio_iommu_type1", "iommufd"] as const;
const parameter = "allow_unsafe_interrupts";

/**
 * Reads whether the kernel lends devices as to their interrupts. What will be set when the module is loaded counts.
 *
 * Touches: reads `/proc`, `/sys/class/iommu`, `/sys/module`, modprobe.d. Needs: nothing.
 * @see drivers/vfio/vfio_iommu_type1.c, vfio_iommu_type1_attach_group
 */
export function readInterruptSafety(host: Host): InterruptSafety {
  const { state, evidence, argument } = readInterruptRemapping(host);
  if (state !== "off") return { state: "safe" };
  const options = readModuleOptions(host);
  const backend = backends.find((module) => readModuleSwitch(host, module, parameter, options).isOn);
  if (backend !== undefined) return { state: "given-up", evidence, parameter: `${backend}.${parameter}` };
  const isVirtualMachine = /^flags\s*:.*\bhypervisor\b/m.test(readAttribute(host, "/proc/cpuinfo") ?? "");
  return { state: "refused", evidence, argument, isVirtualMachine };
}

/** The error for a machine whose kernel lends nothing. @param act what cannot be done, such as `Cannot lend 0000:01:00.0`. */
export function interruptsRefused(
  act: string,
  { evidence, argument, isVirtualMachine }: InterruptSafety & { readonly state: "refused" },
): HostdevError<"HD_INTERRUPT_REMAPPING_OFF"> {
  const message = `${act}: interrupt remapping is off (${evidence}), and without it the kernel lets no VM have a device`;
  return new HostdevError("HD_INTERRUPT_REMAPPING_OFF", message, { argument, isVirtualMachine });
}

/** What there is to fear where isolation of interrupts is given up. */
export function describeGivenUp({ evidence, parameter }: InterruptSafety & { readonly state: "given-up" }): string {
  return `Interrupt remapping is off (${evidence}), and ${parameter} lends devices all the same: a guest can send any interrupt to the host`;
}
