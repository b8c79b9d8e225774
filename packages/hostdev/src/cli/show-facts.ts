// SPDX-License-Identifier: Apache-2.0
import { formatSize } from "../core/units.ts";
import type { FunctionDetails } from "../pci/device-details.ts";
import type { InventoryItem } from "./inventory.ts";

/** A line of `hostdev show`: what, and how it is. */
export type Fact = readonly [name: string, text: string];

/** What `hostdev show` says of the function itself, in words. Pure. */
export function showFacts(item: InventoryItem, details: FunctionDetails, override: string | null): readonly Fact[] {
  const { function: device, names, verdictText, uses, nodeOwner } = item;
  const facts: (Fact | undefined)[] = [
    ["class", `${names.class ?? "unknown"} (${device.classCode.toString(16).padStart(6, "0")})`],
    names.subsystem === null ? undefined : ["subsystem", names.subsystem],
    ["verdict", verdictText],
    ["driver", `${device.driver ?? "none"}${override === null ? "" : `, driver_override ${override}`}`],
    device.hostNames.length === 0 ? undefined : ["host names", device.hostNames.join(" ")],
    ...uses.map((use): Fact => ["used", use.text]),
    [
      "IOMMU group",
      device.group === null ? "none" : `${device.group}${nodeOwner === null ? "" : `, node of ${nodeOwner}`}`,
    ],
    ["reset", resetText(details.resetMethods)],
    sriovFact(details),
    ...details.resources.bars.map(
      (bar): Fact => [
        `BAR ${bar.index}`,
        `${formatSize(bar.sizeBytes)} ${bar.type}${bar.type === "memory" ? `, ${bar.width} bits` : ""}${bar.isPrefetchable ? ", prefetchable" : ""}`,
      ],
    ),
    details.resources.romBytes === null ? undefined : ["ROM", formatSize(details.resources.romBytes)],
    linkFact(details),
    details.power.state === null ? undefined : ["power", details.power.state],
    interruptFact(details),
    device.numaNode === null ? undefined : ["NUMA node", String(device.numaNode)],
    ...(details.group?.reservedRegions ?? [])
      .filter(({ type }) => type === "direct")
      .map((region): Fact => ["reserved", `${region.start}-${region.end} by the firmware: it cannot be lent`]),
  ];
  return facts.filter((fact) => fact !== undefined);
}

function resetText(methods: readonly string[] | null): string {
  if (methods === null) return "possible";
  return methods.length === 0 ? "not possible: it keeps its state from user to user" : methods.join(", ");
}

function sriovFact({ sriov }: FunctionDetails): Fact | undefined {
  if (sriov === null) return undefined;
  if (sriov.role === "virtual")
    return ["SR-IOV", `virtual function ${sriov.index ?? "?"} of ${sriov.physicalFunction}`];
  const live = sriov.virtualFunctions.map((vf) => vf.address).join(" ");
  return [
    "SR-IOV",
    `physical function, ${sriov.numVfs} of ${sriov.totalVfs} virtual functions${live === "" ? "" : `: ${live}`}`,
  ];
}

function linkFact({ link }: FunctionDetails): Fact | undefined {
  if (link === null) return undefined;
  const words = ({ speedGTs, width }: { readonly speedGTs: number | null; readonly width: number | null }) =>
    speedGTs === null || width === null ? "down" : `${speedGTs} GT/s x${width}`;
  return ["link", `${words(link.current)} (at best ${words(link.max)})`];
}

function interruptFact({ interrupts, capabilities }: FunctionDetails): Fact | undefined {
  const able = [
    capabilities?.msix ? `MSI-X with ${capabilities.msix.vectors} vectors` : undefined,
    capabilities?.msi ? `MSI with ${capabilities.msi.vectors}` : undefined,
  ].filter((text) => text !== undefined);
  const inUse = interrupts.mode === null ? undefined : `${interrupts.vectors} ${interrupts.mode} in use`;
  const text = [...able, inUse].filter((part) => part !== undefined).join(", ");
  return text === "" ? undefined : ["interrupts", text];
}
