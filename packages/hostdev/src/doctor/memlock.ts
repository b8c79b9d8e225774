// SPDX-License-Identifier: Apache-2.0
import { type Finding, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { formatSize, MiB } from "../core/units.ts";
import { describeLimit, readMemlock } from "../memlock/limit.ts";
import { grantedBytes, pinnedRequirement } from "../memlock/requirement.ts";
import { advice } from "./problem.ts";

/** Below this no guest of today starts. */
const smallestGuestBytes = 64 * MiB;

/**
 * Tells how much memory the caller may lock, and what VM with a lent device that is enough for. Never a failure: a
 * grant raises the limit. Needs: nothing.
 */
export function checkMemlock(host: Host): readonly Finding[] {
  // With CAP_IPC_LOCK vfio does not look at the limit.
  const limit = host.self.uid === 0 ? undefined : readMemlock(host, host.self.pid);
  if (limit === undefined) return [];
  const { softBytes, hardBytes } = limit;
  const limits = `memlock: ${describeLimit(softBytes)} soft, ${describeLimit(hardBytes)} hard`;
  if (hardBytes === null) return [ok(`${limits}: enough for a VM of any size`)];
  const guestBytes = hardBytes - pinnedRequirement({ guestBytes: 0, videoBytes: 0, addressSpaces: 1 }).bytes;
  if (guestBytes < smallestGuestBytes) {
    return [
      advice(
        `${limits}: too little for any VM with a lent device`,
        "A grant raises it, as far as the VM needs: hostdev-admin grant DEV --to USER --memory SIZE",
      ),
    ];
  }
  const libvirtBytes = hardBytes - grantedBytes(0);
  const libvirt = libvirtBytes < smallestGuestBytes ? "none" : `one of ${formatSize(libvirtBytes)}`;
  return [ok(`${limits}: enough for a VM of ${formatSize(guestBytes)} (under libvirt, ${libvirt})`)];
}
