// SPDX-License-Identifier: Apache-2.0
import { HostdevError, isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { findAddress, findFunction } from "../pci/enumerate.ts";
import { readBinding } from "../vfio/binding.ts";
import { assertNotHeld } from "../vfio/holders.ts";
import { audited, type Begin } from "./audit.ts";
import { assertNothingInterrupted, withLock } from "./exclusive.ts";
import type { Grant } from "./grant.ts";
import { planRevoke } from "./plan.ts";
import { type Quarantine, readQuarantines } from "./quarantine.ts";
import { findReachableMates } from "./reachable-mates.ts";
import { type GrantRecord, isInForce } from "./record.ts";
import { runAllSteps } from "./run-steps.ts";
import { isVolatile, type Step } from "./step.ts";
import { readBootId, readRecords, recordCancel, recordRevoke, removeRecord } from "./store.ts";
import { type RevokeOptions, type RevokeProgress, takeNode } from "./take-node.ts";
import { sweepPools } from "./vf-pool.ts";

/** The lent device, by address or name, or any endpoint of its group; or the grant by its id, also as `grant:ID`. */
export type RevokeTarget = string | { readonly id: string };

export interface RevokePlan {
  readonly grant: Grant;
  readonly steps: readonly Step[];
}

/** A grant that is over. */
export interface Revocation {
  readonly grant: Grant;
  /** Endpoints that did not go back to the host, because it cannot trust them. */
  readonly quarantined: readonly Quarantine[];
  /** What stays of what was made for it, and why, as clauses. */
  readonly left: readonly string[];
}

/**
 * Decides how to take a device back, without doing it.
 *
 * Needs: root, to see holders.
 * @param isLocked whether the caller has the lock.
 * @throws {HostdevError} `HD_NOT_GRANTED`, `HD_GROUP_HELD` (unless holders are waited for or ended),
 * `HD_RECOVERY_NEEDED`, `HD_LOCKED`.
 */
export async function previewRevoke(
  host: Host,
  device: RevokeTarget,
  options: RevokeOptions = {},
  isLocked = false,
): Promise<RevokePlan> {
  requireRoot(host, `hostdev-admin revoke ${nameOf(device)}`);
  await assertNothingInterrupted(host, isLocked);
  const records = readRecords(host);
  const record = findRecord(host, records, device);
  const isThisBoot = isInForce(record, readBootId(host));
  if (isThisBoot && !options.kill && !options.waitMs) await assertNotHeld(host, record.grant.group);
  const others = records.filter((other) => other !== record);
  const mates = isThisBoot ? findReachableMates(host, record.grant) : [];
  const steps = planRevoke(record, others, new Map(mates.map((mate) => [mate, readBinding(host, mate)])));
  // After a reboot the kernel's part is gone by itself.
  return { grant: record.grant, steps: isThisBoot ? steps : steps.filter((step) => !isVolatile(step)) };
}

/**
 * Takes a device back: what the user had is cleaned, or put into quarantine; node, limits, drivers and overrides become
 * what they were.
 *
 * Touches: see `docs/operations.md`; ends processes if told to. Needs: root.
 * After `HD_GROUP_HELD` or `HD_INTERRUPTED`: everything is as it was, and lent still (see `RevokeOptions.isOver`).
 * After any other failure: all that could be undone is; the record stays and `recover` tries the rest again.
 *
 * @throws {HostdevError} as `previewRevoke`, before anything is touched; `HD_UNDO_INCOMPLETE`.
 */
export async function revokeDevice(
  host: Host,
  device: RevokeTarget,
  options: RevokeOptions = {},
  progress: RevokeProgress = {},
): Promise<Revocation> {
  const asked = { action: "revoke", device: nameOf(device) };
  const act = (begin: Begin) => takeBack(host, device, options, progress, begin);
  return audited(host, asked, progress.onWarning, act, ({ quarantined }) =>
    ["done", ...quarantined.map(({ address, reason }) => `${address} is in quarantine: ${reason}`)].join("; "),
  );
}

async function takeBack(
  host: Host,
  device: RevokeTarget,
  options: RevokeOptions,
  progress: RevokeProgress,
  begin: Begin,
): Promise<Revocation> {
  await previewRevoke(host, device, options);
  return withLock(host, async () => {
    const { grant, steps } = await previewRevoke(host, device, options, true);
    await begin({ device: grant.device, user: grant.user.name });
    recordRevoke(host, grant.id, steps);
    const closing = steps.find((step) => step.kind === "owner");
    try {
      if (closing !== undefined) await takeNode(host, grant.group, closing, options, progress);
    } catch (error) {
      if (!isHostdevError(error, "HD_GROUP_HELD") && !isHostdevError(error, "HD_INTERRUPTED")) throw error;
      recordCancel(host, grant.id, "revoke");
      throw error;
    }
    await runAllSteps(host, grant.id, steps, progress.onStep);
    const left = await sweepPools(host, grant.id);
    removeRecord(host, grant.id);
    const addresses = grant.endpoints.map(({ address }) => address);
    return { grant, quarantined: readQuarantines(host).filter(({ address }) => addresses.includes(address)), left };
  });
}

const nameOf = (target: RevokeTarget) => (typeof target === "string" ? target : target.id);

function findRecord(host: Host, records: readonly GrantRecord[], target: RevokeTarget): GrantRecord {
  // An id looks like an address, but is where the device once was: only `grant:` says that it is meant.
  const id = typeof target === "string" ? /^grant:(.*)$/.exec(target)?.[1] : target.id;
  const byId = records.find(({ grant }) => grant.id === id);
  if (byId !== undefined) return byId;
  if (id !== undefined) throw new HostdevError("HD_NOT_GRANTED", `There is no grant ${id}`, { device: id });
  const device = nameOf(target);
  const address = findAddress(host, device);
  // What waits was last seen at an address that another device may have by now.
  const bootId = readBootId(host);
  const inForceFirst = records.toSorted((a, b) => Number(isInForce(b, bootId)) - Number(isInForce(a, bootId)));
  const record = inForceFirst.find(({ grant }) => grant.endpoints.some((endpoint) => endpoint.address === address));
  if (record !== undefined) return record;
  findFunction(host, device); // says so when there is no such device at all
  throw new HostdevError("HD_NOT_GRANTED", `${address} is not lent to anybody`, { device: address });
}
