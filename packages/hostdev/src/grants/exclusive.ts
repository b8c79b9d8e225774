// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { lockPath } from "./paths.ts";
import { readRecords } from "./store.ts";

/**
 * Does something that changes grants while nobody else can.
 *
 * @throws {HostdevError} `HD_LOCKED` at once when somebody does.
 */
export async function withLock<T>(host: Host, act: () => Promise<T>): Promise<T> {
  const release = await host.lock(lockPath);
  try {
    return await act();
  } finally {
    await release();
  }
}

/**
 * An interrupted operation comes first: what is planned beside it would rest on a state that will not last. One that is
 * under way in another process looks the same on the disk, but has the lock.
 *
 * @param isLocked whether the caller has the lock.
 * @throws {HostdevError} `HD_RECOVERY_NEEDED`; `HD_LOCKED` when somebody works on it right now.
 */
export async function assertNothingInterrupted(host: Host, isLocked: boolean): Promise<void> {
  const interrupted = readRecords(host).find((record) => !record.isComplete);
  if (interrupted === undefined) return;
  if (!isLocked) return withLock(host, () => assertNothingInterrupted(host, true)); // it may have ended meanwhile
  const { grant, operation } = interrupted;
  const message = `The ${operation} of ${grant.id} was interrupted and is not finished`;
  throw new HostdevError("HD_RECOVERY_NEEDED", message, { grant: grant.id, operation });
}
