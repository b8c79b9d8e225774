// SPDX-License-Identifier: Apache-2.0
import type { ProcessLimit } from "../memlock/limit.ts";
import { formatLoginLimits, formatManagerLimits, loginLimitsPath, managerLimitsPath } from "../memlock/login-limits.ts";
import type { Observation } from "./observe.ts";
import type { GrantRecord } from "./record.ts";
import type { Step } from "./step.ts";

/** What the grants of a user allow him to lock, all together; `null` when he has none. */
function sumOf(records: readonly GrantRecord[], uid: number): number | null {
  const own = records.filter(({ grant }) => grant.user.uid === uid);
  return own.length === 0 ? null : own.reduce((sum, { grant }) => sum + grant.memlockBytes, 0);
}

/**
 * The steps that raise a user's limits by `addedBytes`, for his running processes and for later logins. Pure.
 *
 * The sum over his grants, not the largest: under iommufd the kernel counts per user, and with the group interface,
 * where it counts per process, too much hurts nobody whom the budget let pass.
 */
export function planUserLimits(
  { user, limits, files, hasSystemd, bootId }: Observation,
  addedBytes: number,
  records: readonly GrantRecord[],
): readonly Step[] {
  const oldBytes = sumOf(records, user.uid);
  const bytes = (oldBytes ?? 0) + addedBytes;
  const known = limitsBefore(records, user.uid, bootId);
  const isKnown = (limit: ProcessLimit) => known.some((k) => k.pid === limit.pid && k.startTime === limit.startTime);
  const isRaised = (limit: ProcessLimit) =>
    [oldBytes, bytes].some((raised) => raised !== null && (limit.softBytes === raised || limit.hardBytes === raised));
  const before = [...known, ...limits.filter((limit) => !isKnown(limit) && !isRaised(limit))];
  return [
    { kind: "memlock", uid: user.uid, from: { bytes: oldBytes }, to: { bytes }, before },
    ...planLoginLimits(user.uid, bytes, files, hasSystemd),
  ];
}

/**
 * Later logins: pam_limits reads limits.d at each, and where the service manager's PAM file asks for it, too. Where it
 * does not, only the drop-in reaches what the manager starts. Where both do, limits.d wins; they say the same.
 */
function planLoginLimits(
  uid: number,
  bytes: number,
  files: Observation["files"],
  hasSystemd: boolean,
): readonly Step[] {
  const from = (path: string) => files.get(path) ?? null;
  const [login, manager] = [loginLimitsPath(uid), managerLimitsPath(uid)];
  const file: Step = { kind: "file", path: login, from: from(login), to: formatLoginLimits(uid, bytes) };
  if (!hasSystemd) return [file];
  return [file, { kind: "unit", path: manager, from: from(manager), to: formatManagerLimits(uid, bytes) }];
}

/** What the user's processes had before his first grant in this boot, as far as any of his grants saw. */
function limitsBefore(records: readonly GrantRecord[], uid: number, bootId: string): readonly ProcessLimit[] {
  const seen = new Map<string, ProcessLimit>();
  const inOrder = records
    .filter((record) => record.bootId === bootId)
    .sort((a, b) => a.grant.grantedAt.localeCompare(b.grant.grantedAt));
  for (const step of inOrder.flatMap((record) => record.steps)) {
    if (step.kind !== "memlock" || step.uid !== uid) continue;
    for (const limit of step.before) {
      const key = `${limit.pid}:${limit.startTime}`;
      if (!seen.has(key)) seen.set(key, limit);
    }
  }
  return [...seen.values()];
}

/**
 * An undoing step of `record`, corrected for the other grants of its user: they came before or after it, and what
 * they need stays. Steps of other kinds are returned as they are. Pure.
 */
export function unplanUserLimits(step: Step, record: GrantRecord, others: readonly GrantRecord[]): Step {
  const { uid } = record.grant.user;
  const left = sumOf(others, uid);
  const now = (left ?? 0) + record.grant.memlockBytes;
  if (step.kind === "memlock") {
    return {
      ...step,
      from: { bytes: now },
      to: { bytes: left },
      before: limitsBefore([record, ...others], uid, record.bootId),
    };
  }
  const format = step.kind === "file" ? formatLoginLimits : formatManagerLimits;
  if (step.kind === "file" || (step.kind === "unit" && step.path === managerLimitsPath(uid))) {
    return { ...step, from: format(uid, now), to: left === null ? null : format(uid, left) };
  }
  return step;
}
