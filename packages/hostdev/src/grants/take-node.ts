// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { endHolders, type OnHolders, waitForHolders } from "../vfio/end-holders.ts";
import { heldError } from "../vfio/holders.ts";
import { applyStep } from "./apply-step.ts";
import { interruptedBy, type Progress } from "./run-steps.ts";
import { invert, type Step } from "./step.ts";

/** How patient a revoke is with those who have the device. */
export interface RevokeOptions {
  /** How long they may take to let go by themselves. Default 0. */
  readonly waitMs?: number;
  /** After that time: end them, SIGTERM first. */
  readonly kill?: boolean;
  /** How long they may take to end after SIGTERM, before SIGKILL. Default 10,000. */
  readonly graceMs?: number;
  /** The user's time is over: he does not get the node back when the revoke comes to nothing. */
  readonly isOver?: boolean;
}

/** Told of steps, and of who has the device. */
export interface RevokeProgress extends Progress {
  readonly onHolders?: OnHolders;
}

/**
 * Takes the node from the user, so that nothing new can start with the device, and waits until nobody has it any more.
 *
 * Needs: root, the lock, and the announced revoke.
 * After a failure: the user has the node again, unless his time is over.
 *
 * @throws {HostdevError} `HD_GROUP_HELD`, naming who has it still; `HD_INTERRUPTED`; what the change of owner meets.
 */
export async function takeNode(
  host: Host,
  group: number,
  closing: Step & { kind: "owner" },
  { waitMs = 0, kill = false, graceMs = 10_000, isOver = false }: RevokeOptions,
  { onHolders, signal }: RevokeProgress,
): Promise<void> {
  // Whoever changed the owner by hand: the steps of the revoke, of which this is one, tell of it.
  const isTaken = await applyStep(host, closing).then(
    () => true,
    () => false,
  );
  try {
    let found = await waitForHolders(host, group, waitMs, { onHolders, signal });
    if (signal?.aborted) throw interruptedBy(signal);
    if (found.isHeld && kill) found = await endHolders(host, group, { graceMs, onHolders });
    if (found.isHeld) throw heldError(group, found.holders);
  } catch (error) {
    if (isTaken && !isOver) await applyStep(host, invert(closing));
    throw error;
  }
}
