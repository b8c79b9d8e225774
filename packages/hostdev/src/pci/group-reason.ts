// SPDX-License-Identifier: Apache-2.0
import { decodeAcs, missingAcs } from "./acs.ts";
import type { Bridge } from "./bridge.ts";
import type { ConfigSpace } from "./config-space.ts";
import type { PciFunction } from "./pci-function.ts";

/** Something that puts functions in one group. */
export interface GroupReason {
  readonly kind: "multi-function" | "conventional-bridge" | "port-without-acs" | "unknown";
  /** The bridge, or the first of the functions. */
  readonly at: string;
  /** Those that it puts together, in address order. */
  readonly members: readonly string[];
  /** One sentence. */
  readonly text: string;
  /** `likely`: what was seen fits nothing else, but the register that decides could not be read. */
  readonly certainty: "seen" | "likely";
}

const bridgeNames: Readonly<Record<Bridge["kind"], string>> = {
  "root-port": "Root port",
  "upstream-port": "Upstream port",
  "downstream-port": "Switch port",
  "pcie-to-pci-bridge": "PCIe-to-PCI bridge",
  "pci-bridge": "PCI bridge",
};

/**
 * Puts a reason into words. Pure.
 *
 * @param bridge the bridge that is the reason, if one is.
 * @param config its config space, as far as it could be read.
 */
export function describeReason(
  reason: Omit<GroupReason, "text">,
  bridge: Bridge | undefined,
  config: ConfigSpace | undefined,
): string {
  const { kind, at, members, certainty } = reason;
  const others = members.filter((member) => member !== at);
  const name = bridge === undefined ? at : `${bridgeNames[bridge.kind]} ${at}`;
  switch (kind) {
    case "conventional-bridge":
      return `${name} has one shared bus behind it, and its own id is on all requests from there: the IOMMU cannot tell ${list(others)} from it.`;
    case "port-without-acs":
      return certainty === "seen"
        ? `${name} ${lackOfAcs(config)}: it may pass requests of ${list(others)} on to others, past the IOMMU.`
        : `${name} is in one group with what is behind it, ${list(others)}: so Linux does when a port lacks ACS.`;
    case "multi-function": {
      const lack = certainty === "seen" ? "without ACS" : "as it seems without ACS";
      return `${list(members)} are functions of one device, ${lack}: they may reach each other inside it, past the IOMMU.`;
    }
    case "unknown":
      return `Nothing in the PCI tree says why ${list(members)} are together: they may share a requester id, or the firmware or the IOMMU wants it so.`;
  }
}

/**
 * Says what a function that is alone in its group owes that to. Pure.
 *
 * @param above the bridges above it, with their config spaces as far as they could be read.
 */
export function describeAlone(
  fn: PciFunction,
  above: readonly { readonly address: string; readonly config: ConfigSpace | undefined }[],
): string {
  const kind = fn.isBridge ? ", a bridge," : "";
  const virtual = fn.physicalFunction === null ? kind : `, a virtual function of ${fn.physicalFunction},`;
  const alone = `${fn.address}${virtual} is alone in its group`;
  if (above.length === 0)
    return `${alone}: it is on a root bus, and shares it with nothing that could reach it unseen.`;
  const names = above.map(({ address, config }) => {
    const acs = config === undefined ? null : decodeAcs(config);
    return acs === null ? address : `${address} (ACS ${acs.enabled.join(" ") || "off"})`;
  });
  return `${alone}: ${list(names)} above ${names.length > 1 ? "keep" : "keeps"} it apart from the rest.`;
}

function lackOfAcs(config: ConfigSpace | undefined): string {
  const acs = config === undefined ? null : decodeAcs(config);
  return acs === null ? "has no ACS" : `has ACS ${missingAcs(acs).join(" ")} switched off`;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
