// SPDX-License-Identifier: Apache-2.0
import { HostdevError, toHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { readSriov } from "../pci/sriov.ts";
import { assertNotHeld } from "../vfio/holders.ts";
import { readVfSettings } from "../vfio/vf-settings.ts";
import { audit, audited, type OnWarning } from "./audit.ts";
import type { Grant, GrantedEndpoint, GrantRequest } from "./grant.ts";
import { observe } from "./observe.ts";
import { type GrantPlan, planGrant } from "./plan.ts";
import type { GrantRecord } from "./record.ts";
import { finish } from "./recover.ts";
import { type Candidate, resolveGrant } from "./resolve.ts";
import { type Progress, runSteps } from "./run-steps.ts";
import { createRecord, readBootId, recordEnd, recordWaiting } from "./store.ts";
import type { VfTarget } from "./vf-target.ts";

/**
 * Brings a persistent grant of an earlier boot into force, if everything is as it was lent; else it waits, and the
 * record says why. All refusals of `grantDevice` count: what the host has come to live on is not taken.
 *
 * Touches: as `grantDevice`. Needs: root, and the lock.
 * After a failure of a step: it is undone, and the grant waits.
 *
 * @returns why it waits; `null` when it is in force.
 * @throws {HostdevError} `HD_UNDO_INCOMPLETE`: then the record stays interrupted.
 */
export async function restoreGrant(
  host: Host,
  record: GrantRecord,
  candidates: readonly Candidate[],
  progress: Progress,
): Promise<string | null> {
  const { grant } = record;
  const found = resolveGrant(grant, candidates);
  const waits = (reason: string) => wait(host, record, reason, progress.onWarning);
  if (!found.isResolved) return waits(found.reason);
  let plan: GrantPlan;
  try {
    plan = await planRestore(host, grant, found.endpoints);
  } catch (error) {
    return waits(toHostdevError(error).message);
  }
  for (const warning of plan.warnings) progress.onWarning?.(warning);
  const subject = { action: "restore", device: plan.grant.device, user: grant.user.name };
  try {
    await audited(host, subject, progress.onWarning, async (begin) => {
      await begin();
      createRecord(host, { ...grant, ...plan.grant, id: grant.id }, plan.steps, "restore");
      await runSteps(host, grant.id, plan.steps, progress);
      recordEnd(host, grant.id, "restore");
    });
    return null;
  } catch (error) {
    const reason = toHostdevError(error).message;
    await finish(host, grant.id, {}, reason);
    return reason;
  }
}

/** Notes why a grant waits, in the record and the log, unless the record says so already. */
export async function wait(
  host: Host,
  { grant, waiting }: GrantRecord,
  reason: string,
  onWarning: OnWarning | undefined,
): Promise<string> {
  if (waiting?.bootId === readBootId(host) && waiting.reason === reason) return reason;
  recordWaiting(host, grant.id, reason);
  const subject = { action: "restore", device: grant.device, user: grant.user.name };
  await audit(host, subject, `waits: ${reason}`, onWarning);
  return reason;
}

/**
 * Plans as for a new grant, from what the old one says and the machine is now: modules, bindings and node are to be
 * done again, and files are there already.
 */
async function planRestore(host: Host, grant: Grant, endpoints: readonly GrantedEndpoint[]): Promise<GrantPlan> {
  // The endpoints are in the order in which they were recorded.
  const device =
    endpoints[grant.endpoints.findIndex(({ address }) => address === grant.device)]?.address ?? grant.device;
  const request: GrantRequest = {
    device,
    user: grant.user.name,
    memoryBytes: grant.memoryBytes,
    leaveBytes: 0, // the budget was kept when it was lent, and waiting grants count
    give: endpoints.filter(({ role, address }) => role === "give" && address !== device).map(({ address }) => address),
    acceptNoReset: grant.acceptsNoReset,
    hold: endpoints.filter(({ role }) => role === "hold").map(({ address }) => address),
    force: endpoints.filter(({ isForced }) => isForced).map(({ address }) => address),
  };
  const seen = await observe(host, request);
  if (seen.user.uid !== grant.user.uid) {
    const message = `"${grant.user.name}" has the uid ${seen.user.uid} now, not ${grant.user.uid}`;
    throw new HostdevError("HD_USER_NOT_FOUND", message, { user: grant.user.name });
  }
  const observation = { ...seen, records: seen.records.filter((record) => record.grant.id !== grant.id) };
  const { grantedAt, grantedBy, lease, note } = grant;
  const vf = await findVf(host, grant, device);
  const plan = planGrant(observation, { ...request, lease }, { grantedAt, grantedBy }, vf);
  await assertNotHeld(host, observation.group.number);
  return { ...plan, grant: { ...plan.grant, endpoints, note } };
}

/** What a virtual function is to be held to again; what its physical function holds it to now is lost with the boot. */
async function findVf(host: Host, { virtualFunction }: Grant, address: string): Promise<VfTarget | null> {
  const sriov = virtualFunction === null ? null : readSriov(host, address);
  if (virtualFunction === null || sriov?.role !== "virtual") return null;
  const { physicalFunction } = sriov;
  const { index, mac, vlan } = virtualFunction;
  const before = mac === null && vlan === null ? null : await readVfSettings(host, physicalFunction, index);
  return { granted: { ...virtualFunction, physicalFunction }, before };
}
