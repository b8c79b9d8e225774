// SPDX-License-Identifier: Apache-2.0
import type { Lease } from "./lease.ts";
import { formatLeaseService, formatLeaseTimer, leaseServicePath, leaseTimerPath } from "./lease-units.ts";
import type { Observation } from "./observe.ts";
import type { GrantRecord } from "./record.ts";
import type { Step } from "./step.ts";

/** The steps that let systemd end a lease: none for one without an end, or without systemd. Pure. */
export function planLease(
  { hasSystemd, files, program }: Observation,
  lease: Lease,
  records: readonly GrantRecord[],
): readonly Step[] {
  if (!hasSystemd || lease.expiresAt === null) return [];
  const timer = formatLeaseTimer([...records.map(({ grant }) => grant.lease), lease]);
  const from = (path: string) => files.get(path) ?? null;
  return [
    { kind: "unit", path: leaseServicePath, from: from(leaseServicePath), to: formatLeaseService(program) },
    { kind: "unit", path: leaseTimerPath, from: from(leaseTimerPath), to: timer },
  ];
}

/**
 * An undoing step of the timer, corrected for the other leases: it goes with the last of them, and the service too.
 * Pure. @returns `undefined` for a step of something else.
 */
export function unplanLease(step: Step, others: readonly GrantRecord[]): Step | undefined {
  if (step.kind !== "unit" || (step.path !== leaseTimerPath && step.path !== leaseServicePath)) return undefined;
  const timer = formatLeaseTimer(others.map(({ grant }) => grant.lease));
  if (timer === null) return { ...step, to: null };
  return { ...step, to: step.path === leaseTimerPath ? timer : step.from };
}
