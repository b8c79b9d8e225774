// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { assertNotHeld } from "../vfio/holders.ts";
import { audited, type Begin } from "./audit.ts";
import { assertNothingInterrupted, withLock } from "./exclusive.ts";
import type { Grant, GrantRequest } from "./grant.ts";
import { observe } from "./observe.ts";
import { type GrantPlan, planGrant } from "./plan.ts";
import { finish } from "./recover.ts";
import { type Progress, runSteps } from "./run-steps.ts";
import { createRecord, recordEnd } from "./store.ts";

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
  const observation = await observe(host, request);
  const by = host.environment("SUDO_USER") ?? "root";
  const plan = planGrant(observation, request, { grantedAt: host.now().toISOString(), grantedBy: by });
  await assertNotHeld(host, observation.group.number);
  return plan;
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
  return audited(host, asked, progress.onWarning, (begin) => lend(host, request, progress, begin));
}

async function lend(host: Host, request: GrantRequest, progress: Progress, begin: Begin): Promise<Grant> {
  await previewGrant(host, request); // refuses before there is even a lock
  return withLock(host, async () => {
    const { grant, steps } = await previewGrant(host, request, true);
    await begin({ device: grant.id, user: grant.user.name });
    try {
      createRecord(host, grant, steps);
      await runSteps(host, grant.id, steps, progress);
      recordEnd(host, grant.id, "grant");
    } catch (error) {
      await finish(host, grant.id);
      throw error;
    }
    return grant;
  });
}
