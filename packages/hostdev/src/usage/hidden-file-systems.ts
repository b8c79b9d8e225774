// SPDX-License-Identifier: Apache-2.0
import type { BlockDevices } from "./block-devices.ts";
import type { Reader } from "./reader.ts";

/** Where drivers of file systems list what is mounted, by the kernel's name of its block device. */
const folders = [
  ["ext4 file system", "/sys/fs/ext4"],
  ["XFS file system", "/sys/fs/xfs"],
  ["F2FS file system", "/sys/fs/f2fs"],
  ["NILFS2 file system", "/sys/fs/nilfs2"],
  ["EROFS file system", "/sys/fs/erofs"],
  // A journal inside its file system is called sda1-8, one on a device of its own sda1.
  ["journal of a file system", "/proc/fs/jbd2"],
] as const;

/**
 * Finds what is mounted though no mount that we can see says so: in a container's mount namespace, lazily unmounted
 * and still busy, or as the external journal of an ext4.
 *
 * Touches: reads `/sys/fs`, `/proc/fs/jbd2`. Needs: nothing.
 * @param mounted names of devices whose mounts are known.
 */
export function readHiddenFileSystems(
  reader: Reader,
  { devices, btrfs, mounted }: { devices: BlockDevices; btrfs: readonly (readonly string[])[]; mounted: Set<string> },
): readonly { readonly words: string; readonly devices: readonly string[] }[] {
  const single = folders.flatMap(([words, folder]) => {
    const names = reader.names(folder).filter((name) => devices.has(name) && !mounted.has(name));
    return names.map((name) => ({ words, devices: [name] }));
  });
  const pooled = btrfs.filter((names) => !names.some((name) => mounted.has(name)));
  return [...single, ...pooled.map((names) => ({ words: "btrfs file system", devices: names }))];
}
