// SPDX-License-Identifier: Apache-2.0
import type { IommuGroup } from "../pci/iommu-group.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { findBlockers, isHeld, isVfioDriver } from "./viability.ts";

/** Whether, and to whom, a function could be lent. */
export type Verdict =
  | { readonly kind: "ready" }
  | { readonly kind: "grantable" }
  | { readonly kind: "lent"; readonly uid: number }
  | { readonly kind: "prepared" }
  | { readonly kind: "in-use"; readonly use: string }
  | { readonly kind: "blocked"; readonly by: string; readonly driver: string }
  | { readonly kind: "held" }
  /** The host does not trust it since a user had it; `reason` is a clause. */
  | { readonly kind: "quarantined"; readonly reason: string }
  | { readonly kind: "bridge" }
  | { readonly kind: "platform" }
  | { readonly kind: "no-group" };

export interface VerdictFacts {
  readonly device: PciFunction;
  readonly group: IommuGroup | undefined;
  /** Owner of the group's node; `undefined` without a node. */
  readonly nodeUid: number | undefined;
  /** Whether the caller, who is not root, may open the node. */
  readonly isNodeMine: boolean;
  /** What the host uses the function for, if anything. */
  readonly use: string | undefined;
  /** Why it is in quarantine, if it is: the one thing here that a file of ours says. */
  readonly quarantine?: string | undefined;
}

/** Judges one function from what the kernel says, whatever grants say. Pure. */
export function judge({ device, group, nodeUid, isNodeMine, use, quarantine }: VerdictFacts): Verdict {
  if (quarantine !== undefined) return { kind: "quarantined", reason: quarantine };
  if (device.isBridge) return { kind: "bridge" };
  if (device.isPlatform) return { kind: "platform" };
  if (group === undefined) return { kind: "no-group" };
  if (isHeld(device)) return { kind: "held" };
  const blocker = findBlockers(group).find(({ address }) => address !== device.address);
  const blocked = blocker && ({ kind: "blocked", by: blocker.address, driver: blocker.driver } as const);
  if (isVfioDriver(device.driver)) {
    if (blocked !== undefined) return blocked;
    if (isNodeMine) return { kind: "ready" };
    return nodeUid === undefined || nodeUid === 0 ? { kind: "prepared" } : { kind: "lent", uid: nodeUid };
  }
  if (use !== undefined) return { kind: "in-use", use };
  return blocked ?? { kind: "grantable" };
}

/** The verdict in words; `userName` turns a uid into a name. */
export function describeVerdict(verdict: Verdict, userName: (uid: number) => string): string {
  switch (verdict.kind) {
    case "ready":
      return "ready";
    case "grantable":
      return "grantable";
    case "lent":
      return `lent to ${userName(verdict.uid)}`;
    case "prepared":
      return "on vfio, not lent";
    case "in-use":
      return `in use by host: ${verdict.use}`;
    case "blocked":
      return `blocked by ${verdict.by} (${verdict.driver})`;
    case "held":
      return "held";
    case "quarantined":
      return `in quarantine: ${verdict.reason}`;
    case "bridge":
      return "bridge";
    case "platform":
      return "part of the platform";
    case "no-group":
      return "no IOMMU group";
  }
}
