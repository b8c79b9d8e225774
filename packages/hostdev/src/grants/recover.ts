// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { waitForLeftoverWrites } from "../vfio/leftover-writes.ts";
import { audited } from "./audit.ts";
import { withLock } from "./exclusive.ts";
import type { Grant } from "./grant.ts";
import { holdQuarantined } from "./hold-quarantined.ts";
import { withCleaning } from "./plan-cleaning.ts";
import type { GrantRecord, Operation } from "./record.ts";
import { interruptedBy, type Progress, runAllSteps } from "./run-steps.ts";
import { invertAll, isVolatile, type Step } from "./step.ts";
import { readBootId, readRecord, readRecords, recordWaiting, removeRecord, sweepRecords } from "./store.ts";
import { readPools, sweepPools } from "./vf-pool.ts";

/** What `recover` found interrupted, and to what end it brought it. */
export interface Recovery {
  readonly grant: Grant;
  readonly interrupted: Operation;
  /**
   * An interrupted grant is undone, an interrupted revoke completed: both end with nothing lent. An interrupted
   * restore is undone too, and the grant waits for the next one.
   */
  readonly outcome: "undone" | "completed";
}

/** What has to be done so that nothing of a record's operation is left half-way. Pure. */
export function planRecovery(record: GrantRecord, bootId: string): readonly Step[] {
  const undo = () => withCleaning(record.grant, invertAll(record.steps.slice(0, record.begun)));
  // The files of a restore were there before, and stay: the grant does.
  if (record.operation === "restore") return record.bootId === bootId ? undo().filter(isVolatile) : [];
  const steps = record.operation === "grant" ? undo() : record.steps;
  // What was done to the kernel's memory in an earlier boot is gone with it.
  return record.bootId === bootId ? steps : steps.filter((step) => !isVolatile(step));
}

/**
 * Brings every interrupted operation to an end, so that nothing half-lent is left; ends virtual functions that nobody needs
 * any more; holds devices in quarantine again that a boot gave to a driver, and tells of them as warnings.
 *
 * A write to the kernel that a kill left on its way is waited for first.
 *
 * Touches: what the records name. Needs: root.
 * After a failure: what could be done is done; the record stays, and a later `recover` goes on. After `HD_LEFTOVER_WRITE`
 * and `HD_INTERRUPTED`: nothing was touched.
 *
 * @throws {HostdevError} `HD_LEFTOVER_WRITE`, `HD_INTERRUPTED`, `HD_UNDO_INCOMPLETE`, `HD_LOCKED`, `HD_JOURNAL_INVALID`.
 */
export async function recover(host: Host, progress: Progress = {}): Promise<readonly Recovery[]> {
  requireRoot(host, "hostdev-admin recover");
  return withLock(host, async () => {
    const recoveries: Recovery[] = [];
    await waitForInterrupted(host, progress);
    for (const { grant, operation, isComplete } of readRecords(host)) {
      if (isComplete) continue;
      const subject = { action: `recovery of the ${operation}`, device: grant.device, user: grant.user.name };
      await audited(host, subject, progress.onWarning, async (begin) => {
        await begin();
        await finish(host, grant.id, progress);
      });
      recoveries.push({ grant, interrupted: operation, outcome: operation === "revoke" ? "completed" : "undone" });
    }
    for (const { quarantine, reason } of await holdQuarantined(host)) {
      const state = reason === null ? "is held again" : `is not held: ${reason}`;
      progress.onWarning?.(`${quarantine.address} is in quarantine, and ${state}`);
    }
    await sweepPools(host);
    sweepRecords(host);
    return recoveries;
  });
}

/**
 * Waits for what a killed command has left on its way to the kernel. Needs: root, and the lock.
 *
 * @throws {HostdevError} `HD_LEFTOVER_WRITE`; `HD_INTERRUPTED` when `signal` was aborted.
 */
export async function waitForInterrupted(host: Host, progress: Progress): Promise<void> {
  const interrupted = readRecords(host).filter(({ isComplete }) => !isComplete);
  const addresses = new Set([
    ...interrupted.flatMap(({ grant }) => [
      ...grant.endpoints.map(({ address }) => address),
      ...(grant.virtualFunction === null ? [] : [grant.virtualFunction.physicalFunction]),
    ]),
    // Of a grant that was killed while it made virtual functions there is nothing but this.
    ...readPools(host).map(({ physicalFunction }) => physicalFunction),
  ]);
  if (addresses.size === 0) return;
  await waitForLeftoverWrites(host, addresses, progress);
  if (progress.signal?.aborted) throw interruptedBy(progress.signal);
}

/**
 * Brings one interrupted operation to its end, and removes the record, unless it was a restore: then the grant waits.
 * Needs: root, and the lock.
 *
 * @param reason why the grant waits.
 * @throws {HostdevError} `HD_UNDO_INCOMPLETE`; the record stays.
 */
export async function finish(
  host: Host,
  id: string,
  progress: Progress = {},
  reason = "the restore was interrupted",
): Promise<void> {
  const record = readRecord(host, id);
  if (record === undefined) return sweepRecords(host); // it did not come to be: nothing was done
  await runAllSteps(host, id, planRecovery(record, readBootId(host)), progress.onStep);
  if (record.operation === "restore") return recordWaiting(host, id, reason);
  await sweepPools(host, id);
  removeRecord(host, id);
}
