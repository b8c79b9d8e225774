// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { printable } from "../core/printable.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { claimConsoles } from "./console.ts";
import { claimKeyboards } from "./input.ts";
import { claimNetwork } from "./network.ts";
import { claimOpenNodes } from "./processes.ts";
import { Reader } from "./reader.ts";
import { claimSharedFolders } from "./shared-folders.ts";
import { claimStorage } from "./storage.ts";
import { type Claim, type Usage, type Use, useKinds } from "./use.ts";
import { claimPhysicalFunctions } from "./virtual-functions.ts";

/**
 * Finds out what the host uses functions for, and would lose with them. Unknown is in use.
 *
 * Never fails: what this caller may not read is in `unread`. For root that is normally nothing; who is about to take a
 * function away should not do so unasked when it is not.
 *
 * Touches: reads proc, sysfs, `/run/udev/data`; each table once. Needs: nothing; only root sees what processes and
 * other mount namespaces use.
 *
 * @param functions all functions of the machine, or at least whole IOMMU groups: some uses (the only keyboard, a
 * screen that may be on any card) depend on the others. Bridges are never used: they are not lent.
 */
export function readUsage(host: Host, functions: readonly PciFunction[]): Usage {
  const reader = new Reader(host);
  const pids = reader.isRoot ? reader.names("/proc").filter((name) => /^\d+$/.test(name)) : [];
  const claims = [
    ...claimStorage(reader, pids),
    ...claimSharedFolders(reader, pids),
    ...claimNetwork(reader, functions),
    ...claimConsoles(reader, functions),
    ...claimKeyboards(reader, functions),
    ...claimPhysicalFunctions(reader, functions),
    ...claimOpenNodes(reader, pids),
  ];
  const uses = usesOf(claims, functions);
  return { uses, unread: reader.unread };
}

/** Each claim as a use of each endpoint in it, once for the same kind and end. */
function usesOf(claims: readonly Claim[], functions: readonly PciFunction[]): readonly Use[] {
  const endpoints = new Set(functions.filter((fn) => !fn.isBridge).map((fn) => fn.address));
  const uses = new Map<string, Use>();
  for (const { kind, functions: above, path: parts, does } of claims) {
    const path = printable(parts.join(" -> "));
    for (const address of above) {
      const key = `${address} ${kind} ${parts.at(-1)}`;
      if (!endpoints.has(address) || uses.has(key)) continue;
      uses.set(key, {
        address,
        kind,
        path,
        text: `${address} ${printable(does)}${parts.length > 1 ? ` (${path})` : ""}`,
      });
    }
  }
  const weight = new Map(useKinds.map((kind, index) => [kind, index]));
  return [...uses.values()].sort(
    (a, b) => compare(a.address, b.address) || (weight.get(a.kind) ?? 0) - (weight.get(b.kind) ?? 0),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
