// SPDX-License-Identifier: Apache-2.0

import type { Lab } from "./lab.ts";

/**
 * What a grant may change on a host, as plain facts that can be compared and stored.
 *
 * | key | value |
 * |---|---|
 * | `pci/0000:01:00.0/driver`, `.../driver_override`, `.../sriov_numvfs`, ... | as sysfs has it |
 * | `node/dev/vfio/12` | type, mode and owner |
 * | `module/vfio_pci` | `loaded` |
 * | `login/alex/memlock` | soft and hard limit of a fresh login, KiB |
 * | `process/alex/systemd` | soft and hard limit of alex's running processes of that name, bytes |
 * | `file/etc/fstab`, `sha256/etc/fstab` | type, mode, owner, link target; contents |
 *
 * Files are those of /etc, /run/hostdev, /var/lib/hostdev, and udev's and systemd's runtime configuration.
 */
export type Snapshot = ReadonlyMap<string, string>;

/**
 * Takes a snapshot of the lab (one to three seconds).
 *
 * Touches: logs alex in once, which starts his user manager.
 *
 * @throws {LabError} when the machine is off.
 */
export async function takeSnapshot(lab: Lab): Promise<Snapshot> {
  const { stdout } = await lab.root("/usr/local/lib/lab/snapshot.sh", { check: true });
  return parseSnapshot(stdout);
}

/** Reads the output of snapshot.sh. A key that comes more than once has all its values, sorted. Pure. */
export function parseSnapshot(text: string): Snapshot {
  const facts = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const tab = line.indexOf("\t");
    if (tab === -1) continue;
    const key = line.slice(0, tab);
    facts.set(key, [...(facts.get(key) ?? []), line.slice(tab + 1).trim()]);
  }
  return new Map([...facts].map(([key, values]) => [key, [...new Set(values)].sort().join(", ")]));
}

/**
 * Tells what differs between two snapshots, one sentence each, sorted; empty when nothing does. Pure.
 *
 * Processes that run in only one of them don't count: it's their limits that matter.
 *
 * @param ignore keys to leave out, such as `/^module\//` where a grant may leave a module loaded.
 */
export function diffSnapshots(before: Snapshot, after: Snapshot, ignore: readonly RegExp[] = []): string[] {
  const differences: string[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)];
    if (was === is || ignore.some((pattern) => pattern.test(key))) continue;
    if (key.startsWith("process/") && (was === undefined || is === undefined)) continue;
    if (was === undefined) differences.push(`${key} appeared: ${is}`);
    else if (is === undefined) differences.push(`${key} is gone, was: ${was}`);
    else differences.push(`${key} changed from "${was}" to "${is}"`);
  }
  return differences.sort();
}
