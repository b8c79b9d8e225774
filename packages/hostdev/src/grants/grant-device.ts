// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { requireOrdinaryUser } from "../core/users.ts";
import { assertNotHeld } from "../vfio/holders.ts";
import { audited, type Begin } from "./audit.ts";
import { assertNothingInterrupted, withLock } from "./exclusive.ts";
import type { Grant, GrantRequest } from "./grant.ts";
import { observe } from "./observe.ts";
import { type GrantPlan, planGrant } from "./plan.ts";
import { finish } from "./recover.ts";
import { type Progress, runSteps } from "./run-steps.ts";
import { createRecord, recordEnd } from "./store.ts";
import { createPool, sweepPools } from "./vf-pool.ts";
import { planCreation, type VfCreation } from "./vf-request.ts";
import { findVfTarget } from "./vf-target.ts";

/**
 * Decides how to lend a device, without doing it.
 *
 * Touches: reads sysfs, proc and our records. Needs: root, to see holders and limits of other users.
 * @param isLocked whether the caller has the lock.
 * @throws {HostdevError} every refusal that `grantDevice` has.
 */
export async function previewGrant(host: Host, request: GrantRequest, isLocked = false): Promise<GrantPlan> {
  requireRoot(host, `hostdev-admin grant ${request.device} --to ${request.user}`);
  await assertNothingInterrupted(host, isLocked);
  const { own, vf } = await findVfTarget(host, request);
  const observation = await observe(host, own);
  const by = host.environment("SUDO_USER") ?? "root";
  const plan = planGrant(observation, own, { grantedAt: host.now().toISOString(), grantedBy: by }, vf);
  await assertNotHeld(host, observation.group.number);
  return plan;
}

/**
 * Decides whether virtual functions have to be made for a grant. What they will be, and the plan with them, is known
 * only then.
 *
 * Touches: reads sysfs and our records. Needs: root.
 * @throws {HostdevError} every refusal that can be had by then.
 */
export async function previewCreation(
  host: Host,
  request: GrantRequest,
  isLocked = false,
): Promise<VfCreation | undefined> {
  if (request.vf === undefined) return undefined;
  requireRoot(host, `hostdev-admin grant ${request.device} --to ${request.user}`);
  await assertNothingInterrupted(host, isLocked);
  await requireOrdinaryUser(host, request.user);
  return planCreation(host, request.device, request.vf);
}

/**
 * Lends a device to a user: binds its group, raises his limits, gives him the node.
 *
 * Touches: see `docs/operations.md`. Needs: root.
 * After a failure or an abort: everything is as it was; if undoing failed too, `HD_UNDO_INCOMPLETE`, and the record
 * stays for `recover`. After a kill: `recover` undoes it.
 *
 * @throws {HostdevError} a refusal, before anything is touched; or what a step met.
 */
export async function grantDevice(host: Host, request: GrantRequest, progress: Progress = {}): Promise<Grant> {
  const asked = { action: "grant", device: request.device, user: request.user };
  return audited(host, asked, progress.onWarning, async (begin) => {
    // Refuses before there is even a lock.
    if ((await previewCreation(host, request)) === undefined) await previewGrant(host, request);
    return withLock(host, async () => {
      const creation = await previewCreation(host, request, true);
      if (creation === undefined) return lend(host, request, progress, begin);
      await begin({ device: creation.physicalFunction });
      return withPool(host, creation, () => lend(host, request, progress, begin));
    });
  });
}

/** Makes virtual functions for an act, and ends them when it fails. */
async function withPool<T>(host: Host, creation: VfCreation, act: () => Promise<T>): Promise<T> {
  try {
    await createPool(host, creation);
    return await act();
  } catch (error) {
    await sweepPools(host).catch(() => {}); // its record stays for the next one
    throw error;
  }
}

async function lend(host: Host, request: GrantRequest, progress: Progress, begin: Begin): Promise<Grant> {
  const { grant, steps, warnings } = await previewGrant(host, request, true);
  for (const warning of warnings) progress.onWarning?.(warning);
  await begin({ device: grant.device, user: grant.user.name });
  try {
    createRecord(host, grant, steps);
    await runSteps(host, grant.id, steps, progress);
    recordEnd(host, grant.id, "grant");
  } catch (error) {
    await finish(host, grant.id);
    throw error;
  }
  return grant;
}
