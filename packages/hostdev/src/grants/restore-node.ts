// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { endpointsOf, readIommuGroup } from "../pci/iommu-group.ts";
import { groupNode } from "../vfio/nodes.ts";
import { withLock } from "./exclusive.ts";
import { isExpired } from "./lease.ts";
import { readCandidates } from "./read-candidates.ts";
import { type GrantRecord, isInForce } from "./record.ts";
import { type Candidate, resolveGrant } from "./resolve.ts";
import type { Restoration } from "./restore.ts";
import { readBootId, readRecords } from "./store.ts";
import { isSwitchedOff } from "./switched-off.ts";

const lockPatienceMs = 20_000;

/**
 * Gives a group's node back to whom it is lent, after the kernel has made it anew. udev asks for this whenever a node
 * comes up, also in the middle of a grant: there is nothing to do then, and no lock is taken.
 *
 * Touches: the owner of `/dev/vfio/<group>`. Needs: root. Ends within half a minute.
 *
 * @returns `undefined` when the node is as it ought to be.
 * @throws {HostdevError} `HD_LOCKED` when another command works all the time, `HD_JOURNAL_INVALID`.
 */
export async function restoreNode(host: Host, group: number): Promise<Restoration | undefined> {
  requireRoot(host, `hostdev-admin restore --node ${group}`);
  if (isSwitchedOff(host)) return undefined;
  const find = () => readRecords(host).find((record) => record.grant.group === group && isNodeMissed(host, record));
  const deadline = host.now().getTime() + lockPatienceMs;
  while (find() !== undefined) {
    try {
      return await withLock(host, async () => {
        const record = find();
        if (record === undefined) return undefined;
        return { grant: record.grant, ...giveNodeBack(host, record, readCandidates(host, [record.grant])) };
      });
    } catch (error) {
      if (!isHostdevError(error, "HD_LOCKED") || host.now().getTime() > deadline) throw error;
      await host.sleep(500);
    }
  }
  return undefined;
}

/** Whether the node of a grant in force is the kernel's fresh one, and should be the user's. */
function isNodeMissed(host: Host, record: GrantRecord): boolean {
  const { grant } = record;
  if (!isInForce(record, readBootId(host)) || isExpired(grant.lease, host.now())) return false;
  const node = host.status(groupNode(grant.group));
  return node?.kind === "character-device" && node.uid === 0;
}

/**
 * Gives a grant's user the node, if it is missed and gives him what was lent and no more: the same devices, each bound
 * as its role says. Needs: root, and the lock.
 */
export function giveNodeBack(
  host: Host,
  record: GrantRecord,
  candidates: readonly Candidate[],
): Omit<Restoration, "grant"> {
  const { grant } = record;
  const reason = findChange(host, record, candidates);
  if (reason !== null || !isNodeMissed(host, record)) return { outcome: "active", reason };
  host.setOwnership(groupNode(grant.group), { uid: grant.user.uid, gid: 0, mode: 0o600 });
  return { outcome: "restored", reason: null };
}

/** In what the machine is no longer as the grant in force says; `null`: in nothing. */
function findChange(host: Host, { grant }: GrantRecord, candidates: readonly Candidate[]): string | null {
  const found = resolveGrant(grant, candidates);
  if (!found.isResolved) return found.reason;
  if (found.group !== grant.group) return `its IOMMU group is ${found.group} now, not ${grant.group}`;
  const group = readIommuGroup(host, grant.group);
  for (const { address, driver } of group === undefined ? [] : endpointsOf(group)) {
    const role = found.endpoints.find((endpoint) => endpoint.address === address)?.role;
    const wanted = role === "give" ? "vfio-pci" : "pci-stub";
    if (driver !== wanted) return `${address} is bound to ${driver ?? "no driver"}, not to ${wanted}`;
  }
  return null;
}
