// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { MiB } from "../core/units.ts";
import { isAtLeast, type MemlockLimit, type ProcessLimit, readUserMemlocks, setMemlock } from "../memlock/limit.ts";
import type { Step } from "./step.ts";

/**
 * Brings the limits of a user's running processes from what his grants allowed to what they allow now.
 *
 * Raising: a process that has less than the new sum gets it, soft and hard (see decision 0005). Lowering: a process
 * that has exactly the old sum, because we set it or it was born of one that we set, gets the new sum, or what it
 * had before there was any grant; other processes chose their limits themselves and keep them.
 * A process that is born while this runs inherits from one that has been seen or will be: so look again until
 * nothing is left to do.
 */
export async function applyMemlock(host: Host, step: Step & { kind: "memlock" }): Promise<void> {
  const { uid, from, to, before } = step;
  for (let round = 0; round < 5; round++) {
    const changes = readUserMemlocks(host, uid).flatMap((process) => {
      const wanted = wantedLimit(process, from.bytes, to.bytes, before);
      return wanted === undefined ? [] : [{ process, wanted }];
    });
    if (changes.length === 0) return;
    for (const { process, wanted } of changes) await setMemlock(host, process, wanted);
  }
}

/** The limit that a process is to get; `undefined`: leave it. Pure. */
export function wantedLimit(
  process: ProcessLimit,
  fromBytes: number | null,
  toBytes: number | null,
  before: readonly ProcessLimit[],
): MemlockLimit | undefined {
  const isLowering = fromBytes !== null && (toBytes === null || toBytes < fromBytes);
  if (!isLowering) {
    if (toBytes === null || isAtLeast(process.softBytes, toBytes)) return undefined;
    return { softBytes: toBytes, hardBytes: isAtLeast(process.hardBytes, toBytes) ? process.hardBytes : toBytes };
  }
  const own = before.find((old) => old.pid === process.pid && old.startTime === process.startTime);
  // Those born since are children of some process of the user: they get what most of those had.
  const was = own ?? mostCommon(before) ?? kernelDefault;
  const lower = (now: number | null, old: number | null) =>
    now !== fromBytes ? now : toBytes !== null && !isAtLeast(old, toBytes) ? toBytes : old;
  const wanted = {
    softBytes: lower(process.softBytes, was.softBytes),
    hardBytes: lower(process.hardBytes, was.hardBytes),
  };
  return wanted.softBytes === process.softBytes && wanted.hardBytes === process.hardBytes ? undefined : wanted;
}

/** MLOCK_LIMIT since Linux 5.16: for a user who had no process when the device was lent. */
const kernelDefault: MemlockLimit = { softBytes: 8 * MiB, hardBytes: 8 * MiB };

function mostCommon(limits: readonly ProcessLimit[]): MemlockLimit | undefined {
  const counts = new Map<string, { limit: MemlockLimit; count: number }>();
  for (const limit of limits) {
    const key = `${limit.softBytes}:${limit.hardBytes}`;
    counts.set(key, { limit, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)[0]?.limit;
}
