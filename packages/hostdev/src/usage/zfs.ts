// SPDX-License-Identifier: Apache-2.0
import type { Mount } from "./mounts.ts";
import type { Reader } from "./reader.ts";
import type { UdevRecord } from "./udev-records.ts";

/**
 * The names of the imported ZFS pools, mounted or not.
 *
 * Touches: reads `/proc/spl/kstat/zfs`, where each pool is a directory. Needs: nothing.
 */
export function readZfsPools(reader: Reader, mounts: readonly Mount[]): ReadonlySet<string> {
  const folder = "/proc/spl/kstat/zfs";
  const imported = reader.names(folder).filter((name) => reader.names(`${folder}/${name}`).length > 0);
  return new Set([...imported, ...mounts.flatMap((mount) => zfsPoolOf(mount) ?? [])]);
}

/** The pool of a ZFS mount, whose source is a dataset: `rpool` of `rpool/ROOT/debian`. Pure. */
export function zfsPoolOf({ type, source }: Mount): string | undefined {
  return type === "zfs" ? source.split("/")[0] : undefined;
}

/** The GPT type of the partition that ZFS makes when it is given a whole disk; log and cache devices have it too. */
const zfsPartitionType = "6a898cc3-1dd2-11b2-99a6-080020736631";

/**
 * Whether a device may be in an imported pool. The kernel does not say; udev's record tells by signature or partition
 * type, and where it has none the answer is yes: unknown is in use. Pure.
 */
export function mayBeInPool(record: UdevRecord | undefined, pool: string): boolean {
  if (record === undefined) return true;
  const type = record.get("ID_FS_TYPE");
  if (type === undefined) return record.get("ID_PART_ENTRY_TYPE") === zfsPartitionType;
  return type === "zfs_member" && (record.get("ID_FS_LABEL") ?? pool) === pool;
}
