// SPDX-License-Identifier: Apache-2.0
import { type HostdevError, toHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { audited } from "./audit.ts";
import { withLock } from "./exclusive.ts";
import type { Grant } from "./grant.ts";
import { holdQuarantined } from "./hold-quarantined.ts";
import { isExpired } from "./lease.ts";
import { planRevoke } from "./plan.ts";
import { readQuarantines } from "./quarantine.ts";
import { readCandidates } from "./read-candidates.ts";
import { type GrantRecord, isInForce } from "./record.ts";
import { finish, waitForInterrupted } from "./recover.ts";
import { restoreGrant, wait } from "./restore-grant.ts";
import { giveNodeBack } from "./restore-node.ts";
import { type Progress, runAllSteps } from "./run-steps.ts";
import { isVolatile } from "./step.ts";
import { readBootId, readRecord, readRecords, recordRevoke, removeRecord, sweepRecords } from "./store.ts";
import { isSwitchedOff } from "./switched-off.ts";
import { ensurePool, readPools, sweepPools } from "./vf-pool.ts";

/** What a restore did about one grant. */
export interface Restoration {
  readonly grant: Grant;
  /**
   * `restored`: it is in force again; `active`: it is, and was; `waiting`: it is not, for the reason; `removed`: a reboot
   * or its time has ended it; `finished`: it was interrupted, and nothing is left of it.
   */
  readonly outcome: "restored" | "active" | "waiting" | "removed" | "finished";
  readonly reason: string | null;
}

/** After so long no further grant is begun; one that was begun takes what its writes to the kernel take. */
const patienceMs = 60_000;

/**
 * Brings the machine to what the grants say, after a boot: interrupted operations are finished, what is in quarantine is
 * held again, what a reboot or the time has ended is removed, virtual functions that were made for persistent grants are
 * made anew, and persistent grants come into force again, each by the identity of its devices, or wait with the reason.
 * Doing it again changes nothing.
 *
 * Touches: as `grantDevice`, `revokeDevice` and `recover`. Needs: root. Ends in bounded time.
 * After a failure with one grant: the others are done.
 *
 * @returns `undefined` when the kernel's command line says `hostdev=off`: then nothing was touched.
 * @throws {HostdevError} `HD_LOCKED`, `HD_JOURNAL_INVALID`, `HD_UNDO_INCOMPLETE`; `HD_LEFTOVER_WRITE`, with nothing done.
 */
export async function restore(host: Host, progress: Progress = {}): Promise<readonly Restoration[] | undefined> {
  requireRoot(host, "hostdev-admin restore");
  if (isSwitchedOff(host)) return undefined;
  if (readRecords(host).length + readQuarantines(host).length + readPools(host).length === 0) return [];
  return withLock(host, () => restoreAll(host, progress));
}

async function restoreAll(host: Host, progress: Progress): Promise<readonly Restoration[]> {
  const deadline = host.now().getTime() + patienceMs;
  const bootId = readBootId(host);
  const done: Restoration[] = [];
  const failures: HostdevError[] = [];
  const attempt = async (grant: Grant, act: () => Promise<Omit<Restoration, "grant">>) => {
    try {
      const result = await act();
      done.push({ grant: readRecord(host, grant.id)?.grant ?? grant, ...result }); // it may have another address now
    } catch (error) {
      failures.push(toHostdevError(error));
    }
  };
  await waitForInterrupted(host, progress);
  for (const record of readRecords(host).filter(({ isComplete }) => !isComplete)) {
    await attempt(record.grant, () => finishOne(host, record, progress));
  }
  await holdAndSweep(host, progress).catch((error) => failures.push(toHostdevError(error)));
  sweepRecords(host);
  const isDone = (record: GrantRecord) => record.isComplete && !isInForce(record, bootId);
  for (const { grant } of readRecords(host).filter((record) => isDone(record) && hasEnded(host, record))) {
    await attempt(grant, () => remove(host, grant.id, progress));
  }
  const waiting = readRecords(host).filter((record) => isDone(record) && !hasEnded(host, record));
  await makePools(host, waiting, progress);
  const candidates = readCandidates(
    host,
    readRecords(host).map(({ grant }) => grant),
  );
  const interrupted = readRecords(host).find(({ isComplete }) => !isComplete);
  for (const record of waiting) {
    await attempt(record.grant, async () => {
      const isLate = host.now().getTime() > deadline || progress.signal?.aborted === true;
      const hindrance =
        interrupted !== undefined
          ? `the ${interrupted.operation} of ${interrupted.grant.device} is not finished`
          : isLate
            ? "the time for restoring was over before it came to this one"
            : undefined;
      const reason =
        hindrance === undefined
          ? await restoreGrant(host, record, candidates, progress)
          : await wait(host, record, hindrance, progress.onWarning);
      return { outcome: reason === null ? "restored" : "waiting", reason };
    });
  }
  const before = new Set(waiting.map(({ grant }) => grant.id));
  for (const record of readRecords(host).filter((each) => isInForce(each, bootId) && !before.has(each.grant.id))) {
    await attempt(record.grant, async () => giveNodeBack(host, record, candidates));
  }
  if (failures[0] !== undefined) throw failures[0];
  return done;
}

/** What is in quarantine is held again, before anything is lent; virtual functions of another boot are forgotten. */
async function holdAndSweep(host: Host, { onWarning }: Progress): Promise<void> {
  for (const { quarantine, reason } of await holdQuarantined(host)) {
    const state = reason === null ? "is held again" : `is not held: ${reason}`;
    onWarning?.(`${quarantine.address} is in quarantine, and ${state}`);
  }
  await sweepPools(host);
}

/** Makes the virtual functions that grants of an earlier boot are waiting for. What fails, the grant's own reason tells. */
async function makePools(host: Host, waiting: readonly GrantRecord[], { onWarning }: Progress): Promise<void> {
  for (const { grant } of waiting) {
    const { physicalFunction, created } = grant.virtualFunction ?? { physicalFunction: "", created: null };
    if (created === null) continue;
    const reason = await ensurePool(host, { physicalFunction, count: created });
    if (reason !== undefined) onWarning?.(`The virtual functions that were lent cannot be made: ${reason}`);
  }
}

function hasEnded(host: Host, { grant: { lease } }: GrantRecord): boolean {
  return !lease.isPersistent || isExpired(lease, host.now());
}

async function finishOne(host: Host, record: GrantRecord, progress: Progress): Promise<Omit<Restoration, "grant">> {
  await finish(host, record.grant.id, progress);
  if (record.operation === "restore") return { outcome: "waiting", reason: "the restore was interrupted" };
  return { outcome: "finished", reason: null };
}

/** The kernel has forgotten its part: only files are left. */
async function remove(host: Host, id: string, progress: Progress): Promise<Omit<Restoration, "grant">> {
  const records = readRecords(host);
  const record = records.find(({ grant }) => grant.id === id);
  if (record !== undefined) {
    const steps = planRevoke(
      record,
      records.filter((other) => other !== record),
    ).filter((step) => !isVolatile(step));
    const { device, user, lease } = record.grant;
    const subject = { action: lease.isPersistent ? "expiry" : "end by a reboot", device, user: user.name };
    await audited(host, subject, progress.onWarning, async (begin) => {
      await begin();
      recordRevoke(host, id, steps);
      await runAllSteps(host, id, steps, progress.onStep);
      removeRecord(host, id);
    });
  }
  return { outcome: "removed", reason: null };
}
