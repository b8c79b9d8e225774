// SPDX-License-Identifier: Apache-2.0
import { formatSize } from "../core/units.ts";
import type { FunctionDetails } from "../pci/device-details.ts";
import type { InventoryItem } from "./inventory.ts";

/** A line of `hostdev show`: what, and how it is. */
export type Fact = readonly [name: string, text: string];

/** What `hostdev show` says of the function itself, in words; names in them are as they are. Pure. */
export function showFacts(item: InventoryItem, details: FunctionDetails, override: string | null): readonly Fact[] {
  const { function: device, names, verdictText, uses } = item;
  const facts: (Fact | undefined)[] = [
    ["class", `${names.class ?? "unknown"} (${device.classCode.toString(16).padStart(6, "0")})`],
    names.subsystem === null ? undefined : ["subsystem", names.subsystem],
    ["verdict", verdictText],
    ["driver", `${device.driver ?? "none"}${override === null ? "" : `, driver_override ${override}`}`],
    device.hostNames.length === 0 ? undefined : ["host names", device.hostNames.join(" ")],
    ...uses.map((use): Fact => ["used", use.text]),
    groupFact(item, details),
    ...regionFacts(details),
    details.capabilities === null
      ? ["config space", "it does not answer: it is gone from the bus, or without power (D3cold)"]
      : undefined,
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
    powerFact(details),
    interruptFact(details),
    capabilityFact(details),
    ...serialFacts(details),
    device.numaNode === null ? undefined : ["NUMA node", String(device.numaNode)],
  ];
  return facts.filter((fact) => fact !== undefined);
}

function groupFact({ function: device, nodeOwner }: InventoryItem, { group }: FunctionDetails): Fact {
  if (device.group === null) return ["IOMMU group", "none"];
  const parts = [
    String(device.group),
    group?.type == null ? undefined : `type ${group.type}`,
    nodeOwner === null ? undefined : `node of ${nodeOwner}`,
  ];
  return ["IOMMU group", parts.filter((part) => part !== undefined).join(", ")];
}

/** Addresses as short as they can be read: leading zeros tell nothing. */
const shortAddress = (address: string) => `0x${BigInt(address).toString(16)}`;

const regionTexts = {
  direct: "used by the firmware: the group cannot be lent",
  "direct-relaxable": "used by the firmware while it boots: no obstacle",
  msi: "where interrupts are written",
  reserved: "not to be mapped",
  unknown: "of a kind that hostdev does not know",
} as const;

function regionFacts({ group }: FunctionDetails): readonly Fact[] {
  return (group?.reservedRegions ?? []).map(({ start, end, type }): Fact => {
    return ["reserved", `${shortAddress(start)}-${shortAddress(end)}, ${regionTexts[type]}`];
  });
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

function powerFact({ power: { state, isD3coldAllowed } }: FunctionDetails): Fact | undefined {
  if (state === null) return undefined;
  return ["power", isD3coldAllowed === false ? `${state}, D3cold not allowed` : state];
}

/** What root alone can read out of config space, as far as it matters for lending. */
function capabilityFact({ capabilities }: FunctionDetails): Fact | undefined {
  if (capabilities === null || !capabilities.complete) return undefined;
  const { accessControl, advancedFeaturesFlr, ats, express, pasid, powerManagement, pri } = capabilities;
  const able = [
    express === null ? undefined : `PCI Express ${express.portType.replaceAll("-", " ")}`,
    express?.flr === true || advancedFeaturesFlr ? "FLR" : undefined,
    powerManagement?.softReset === true ? "reset by power state" : undefined,
    accessControl === null ? undefined : `ACS ${accessControl.enabled.join(" ") || "off"}`,
    ats ? "ATS" : undefined,
    pri ? "PRI" : undefined,
    pasid ? "PASID" : undefined,
  ].filter((text) => text !== undefined);
  return able.length === 0 ? undefined : ["capabilities", able.join(", ")];
}

function serialFacts({ identity: { serials }, vitalProductData: vpd }: FunctionDetails): readonly Fact[] {
  const numbers = [serials.device, serials.nvme, ...serials.mac].filter((text) => text !== null);
  const parts = Object.entries(vpd?.readOnly ?? {}).filter(([keyword]) => /^(PN|SN|EC|MN)$/.test(keyword));
  const product = [vpd?.name, ...parts.map(([keyword, text]) => `${keyword} ${text}`)].filter((text) => text);
  const facts: Fact[] = [];
  if (numbers.length > 0) facts.push(["serial", numbers.join(", ")]);
  if (product.length > 0) facts.push(["product", product.join(", ")]);
  return facts;
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
