// SPDX-License-Identifier: Apache-2.0
import type { HolderDetails } from "../core/error-details.ts";
import { type HostdevError, isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { assertNotHeld } from "../vfio/holders.ts";
import { freshNodeOwnership, groupNode } from "../vfio/nodes.ts";
import { audit } from "./audit.ts";
import { withLock } from "./exclusive.ts";
import type { Grant } from "./grant.ts";
import { isExpired } from "./lease.ts";
import type { Quarantine } from "./quarantine.ts";
import { type GrantRecord, isInForce } from "./record.ts";
import { revokeDevice } from "./revoke-device.ts";
import type { Progress } from "./run-steps.ts";
import { readBootId, readRecords } from "./store.ts";

/** What was done about a lease whose time is over. */
export interface Expiry {
  readonly grant: Grant;
  /** `expiring`: somebody still has the device. Nobody can start anew, and a later `expire` takes it back. */
  readonly outcome: "revoked" | "expiring";
  readonly holders: readonly HolderDetails[];
  /** What the host does not get back, since it is not known to be in a good state. */
  readonly quarantined: readonly Quarantine[];
}

/**
 * Ends the leases whose time is over. First of all their nodes go back to root, so that nothing new starts; then each
 * device is taken back, unless somebody still has it and the grant says to wait.
 *
 * Nothing to do is the usual case, and takes no lock: a timer calls this.
 * Touches: as `revokeDevice`. Needs: root.
 * After a failure: every lease that could be ended is; calling it again goes on.
 *
 * @throws {HostdevError} `HD_LOCKED`, `HD_RECOVERY_NEEDED`, and what `revokeDevice` met.
 */
export async function expire(host: Host, progress: Progress = {}): Promise<readonly Expiry[]> {
  requireRoot(host, "hostdev-admin expire");
  if (readExpired(host).length === 0) return [];
  await withLock(host, () => closeNodes(host, readExpired(host), progress));
  const expiries: Expiry[] = [];
  const failures: unknown[] = [];
  for (const record of readExpired(host)) {
    const { grant } = record;
    try {
      // Each minute, for as long as it takes: nothing to be logged.
      const isWaitedFor = grant.lease.onExpiry === "wait" && isInForce(record, readBootId(host));
      if (isWaitedFor) await assertNotHeld(host, grant.group);
      const options = { isOver: true, kill: grant.lease.onExpiry === "kill" };
      const { quarantined } = await revokeDevice(host, { id: grant.id }, options, progress);
      expiries.push({ grant, outcome: "revoked", holders: [], quarantined });
    } catch (error) {
      if (isHeld(error)) {
        expiries.push({ grant, outcome: "expiring", holders: error.details.holders, quarantined: [] });
      } else failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return expiries;
}

function readExpired(host: Host): readonly GrantRecord[] {
  return readRecords(host).filter((record) => record.isComplete && isExpired(record.grant.lease, host.now()));
}

/** Not journaled: the record says that the time is over, and a node that is root's already is left alone. */
async function closeNodes(host: Host, records: readonly GrantRecord[], { onWarning }: Progress): Promise<void> {
  const bootId = readBootId(host);
  for (const { grant } of records.filter((record) => isInForce(record, bootId))) {
    const node = groupNode(grant.group);
    if ((host.status(node)?.uid ?? 0) === 0) continue;
    host.setOwnership(node, freshNodeOwnership);
    const subject = { action: "expiry", device: grant.device, user: grant.user.name };
    await audit(host, subject, `${node} is root's again`, onWarning);
  }
}

function isHeld(error: unknown): error is HostdevError<"HD_GROUP_HELD"> {
  return isHostdevError(error, "HD_GROUP_HELD");
}
