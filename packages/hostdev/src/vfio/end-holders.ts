// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { findGroupHolders, type GroupHolders, type Holder } from "./holders.ts";

/** What is done about those who have a group. */
export type HolderAct = "wait" | "SIGTERM" | "SIGKILL";

/** Told who has the group: at the start, and whenever that changes. */
export type OnHolders = (holders: readonly Holder[], act: HolderAct) => void;

const pollMs = 250;

/**
 * Waits until nobody has a group any more, as the kernel sees it.
 *
 * Needs: root. Touches: see `findGroupHolders`.
 * @param signal aborted: stops waiting.
 * @returns who has it still.
 */
export async function waitForHolders(
  host: Host,
  group: number,
  timeoutMs: number,
  { onHolders, signal }: { readonly onHolders?: OnHolders | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<GroupHolders> {
  const deadline = host.now().getTime() + timeoutMs;
  let told: string | undefined;
  for (;;) {
    const found = await findGroupHolders(host, group);
    const left = deadline - host.now().getTime();
    if (!found.isHeld || left <= 0 || signal?.aborted) return found;
    const now = found.holders.map(keyOf).join();
    if (now !== told) onHolders?.(found.holders, "wait");
    told = now;
    await host.sleep(Math.min(pollMs, left));
  }
}

/**
 * Ends the processes that have a group: SIGTERM, and SIGKILL for those who still have it after the grace. What is
 * sent a signal is a process that has the node open at this moment; one that has let go meanwhile, or a later one
 * with its pid, is not.
 *
 * Needs: root. After a failure: perhaps ended, perhaps only asked.
 * @returns who has it after that: the kernel lets go only when it has torn the process down.
 * @throws {HostdevError} `HD_FILE` when a signal is refused (root without CAP_KILL, in a container).
 */
export async function endHolders(
  host: Host,
  group: number,
  { graceMs, onHolders }: { readonly graceMs: number; readonly onHolders?: OnHolders | undefined },
): Promise<GroupHolders> {
  for (const [act, timeoutMs] of [
    ["SIGTERM", graceMs],
    ["SIGKILL", afterKillMs],
  ] as const) {
    const { holders, isHeld } = await findGroupHolders(host, group);
    if (!isHeld) break;
    onHolders?.(holders, act);
    for (const holder of holders) await signalHolder(host, group, holder, act);
    await waitForHolders(host, group, timeoutMs);
  }
  return findGroupHolders(host, group);
}

/** A killed process with much pinned memory takes the kernel seconds to tear down. */
const afterKillMs = 30_000;

async function signalHolder(host: Host, group: number, holder: Holder, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (holder.pid === 1 || holder.pid === host.self.pid) return;
  // Other holders were dealt with in between: look again.
  const { holders } = await findGroupHolders(host, group);
  if (holders.some((now) => keyOf(now) === keyOf(holder))) host.kill(holder.pid, signal);
}

function keyOf({ pid, startTime }: Holder): string {
  return `${pid}:${startTime}`;
}
