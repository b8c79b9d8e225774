// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { groupNode } from "../vfio/nodes.ts";
import { isExpired } from "./lease.ts";
import { type GrantRecord, isInForce } from "./record.ts";
import { readBootId } from "./store.ts";

/**
 * How a grant stands:
 *
 * - `active`: in force;
 * - `expired`: its time is over, and nobody has acted on it yet;
 * - `expiring`: its time is over, and somebody still has the device: nobody can start anew;
 * - `waiting`: persistent, but not in force in this boot; the reason says why;
 * - `lost`: a reboot has ended it;
 * - `interrupted`: `hostdev-admin recover` has to finish what was begun.
 */
export type GrantState = "active" | "expired" | "expiring" | "waiting" | "lost" | "interrupted";

export interface GrantStanding {
  readonly state: GrantState;
  /** Why it waits; `null` for all other states. */
  readonly reason: string | null;
}

/** Tells how a grant stands. Touches: reads the group's node. Needs: nothing. */
export function readStanding(host: Host, record: GrantRecord): GrantStanding {
  const bootId = readBootId(host);
  const { grant, isComplete, waiting } = record;
  const plain = (state: GrantState) => ({ state, reason: null });
  if (!isComplete) return plain("interrupted");
  const isOver = isExpired(grant.lease, host.now());
  if (isInForce(record, bootId)) {
    if (!isOver) return plain("active");
    return plain((host.status(groupNode(grant.group))?.uid ?? 0) === 0 ? "expiring" : "expired");
  }
  if (!grant.lease.isPersistent) return plain("lost");
  if (isOver) return plain("expired");
  const unknown = "hostdev-admin restore has not run since the machine was booted";
  return { state: "waiting", reason: waiting?.bootId === bootId ? waiting.reason : unknown };
}
