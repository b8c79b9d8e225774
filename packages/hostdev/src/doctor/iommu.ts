// SPDX-License-Identifier: Apache-2.0
import type { ErrorDetails } from "../core/error-details.ts";
import { type Finding, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { iommuGroups, readAttribute } from "../pci/sysfs.ts";
import { Reader } from "../usage/reader.ts";
import { findArgument, readKernelArguments } from "../vfio/kernel-arguments.ts";
import { problem } from "./problem.ts";

/** What of the IOMMU the kernel has taken into use. */
export interface IommuState {
  /** `dmar0`, `ivhd0`, `smmu3.0x...`: one for each unit. */
  readonly units: readonly string[];
  /** How many groups there are; those that no-IOMMU mode makes up are none. */
  readonly groups: number;
}

/** Reads whether an IOMMU is in use. Touches: reads `/sys/class/iommu`, `/sys/kernel/iommu_groups`. Needs: nothing. */
export function readIommu(host: Host): IommuState {
  const reader = new Reader(host);
  const groups = reader
    .names(iommuGroups)
    .filter((number) => readAttribute(host, `${iommuGroups}/${number}/name`) !== "vfio-noiommu");
  return { units: reader.names("/sys/class/iommu"), groups: groups.length };
}

/**
 * Checks that the IOMMU is on; if not, tells apart what keeps it off: a kernel argument, the kernel's own decision, the
 * firmware, or a hypervisor.
 *
 * The firmware's tables (DMAR of Intel, IVRS of AMD) are for root to read, but their names are for all to see.
 * Touches: reads sysfs, `/proc/cmdline`, `/proc/cpuinfo`. Needs: nothing.
 */
export function checkIommu(host: Host): readonly Finding[] {
  const { units, groups } = readIommu(host);
  if (groups > 0) {
    const names = units.length === 0 ? "of a kind that does not say its name" : units.join(", ");
    return [ok(`The IOMMU is on (${names}), with ${groups} groups`, { units, groups })];
  }
  const tables = new Reader(host).names("/sys/firmware/acpi/tables");
  const table = tables.find((name) => name === "DMAR" || name === "IVRS");
  const { text, ...details } = table === undefined ? withoutTable(host) : withTable(host, table);
  return [problem("failure", "HD_IOMMU_OFF", `The IOMMU is off: ${text}`, details)];
}

type Cause = ErrorDetails["HD_IOMMU_OFF"] & { readonly text: string };

function withTable(host: Host, table: "DMAR" | "IVRS" | string): Cause {
  const words = readKernelArguments(host);
  const own = table === "DMAR" ? "intel_iommu" : "amd_iommu";
  const forbids = findArgument(words, own, "off") ?? findArgument(words, "iommu", "off");
  if (forbids !== undefined) {
    const text = `the machine has one (${table}), but the kernel argument ${forbids} switches it off`;
    return { text, reason: "argument-forbids", argument: forbids };
  }
  if (table === "DMAR" && findArgument(words, own, "on") === undefined) {
    const text = "the machine has one (DMAR), but the kernel argument intel_iommu=on is missing";
    return { text, reason: "argument-missing", argument: "intel_iommu=on" };
  }
  const text = `the machine has one (${table}), but the kernel did not take it into use`;
  return { text, reason: "kernel-refused", argument: null };
}

function withoutTable(host: Host): Cause {
  const flags = /^flags\s*:(.*)$/m.exec(readAttribute(host, "/proc/cpuinfo") ?? "")?.[1]?.split(" ") ?? [];
  const noTable = "the firmware names none (no table DMAR or IVRS)";
  if (flags.includes("hypervisor")) {
    const text = `${noTable}, and this is a virtual machine`;
    return { text, reason: "virtual-machine", argument: null };
  }
  const extension = flags.find((flag) => flag === "vmx" || flag === "svm");
  const hint =
    extension === undefined
      ? "; the processor shows neither vmx nor svm, so that it is too old, or virtualization is off in the firmware"
      : `; the processor has ${extension}, so that most likely it is only switched off there`;
  return { text: `${noTable}${flags.length === 0 ? "" : hint}`, reason: "firmware", argument: null };
}
