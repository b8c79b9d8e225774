// SPDX-License-Identifier: Apache-2.0
import type { Reader } from "./reader.ts";

/** One line of a `mountinfo`. */
export interface Mount {
  /** `major:minor`; major 0 when the file system has no one block device (btrfs, ZFS, NFS, tmpfs). */
  readonly number: string;
  readonly point: string;
  readonly type: string;
  /** The device, pool or server, as it was named when mounted. */
  readonly source: string;
  /** Of the file system, not of the mount. */
  readonly options: string;
}

/** The mounts in a `mountinfo`; lines that make no sense are left out. Pure. @see proc_pid_mountinfo(5) */
export function parseMounts(mountinfo: string): readonly Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const match = /^\d+ \d+ (\d+:\d+) \S+ (\S+) .*? - (\S+) (\S*) (.*)$/.exec(line);
    if (match === null) return [];
    const [number = "", point = "", type = "", source = "", options = ""] = match.slice(1).map(unescapeOctal);
    return [{ number, point, type, source, options }];
  });
}

/** Blanks and backslashes, as proc writes them: `\040`. Pure. */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The mount that a file is in. Of several on one point the last hides the others. Pure. */
export function mountOf(mounts: readonly Mount[], file: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const isAbove = mount.point === "/" || file === mount.point || file.startsWith(`${mount.point}/`);
    if (isAbove && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best;
}

/** All mounts that this caller can know of. */
export interface Mounts {
  /** In this process's mount namespace. */
  readonly own: readonly Mount[];
  /** What is mounted elsewhere only; `point` says where. */
  readonly foreign: readonly Mount[];
}

/**
 * Reads the mounts of this process, of init, and, as root, of every mount namespace: containers and services with
 * private mounts keep devices busy that are mounted nowhere else.
 *
 * Touches: reads `/proc/<pid>/mountinfo`, `/proc/<pid>/ns/mnt`.
 */
export function readMounts(reader: Reader, pids: readonly string[]): Mounts {
  const own = parseMounts(reader.text("/proc/self/mountinfo"));
  const known = new Set(own.map(identity));
  const seen = new Set([undefined, reader.link("/proc/self/ns/mnt")]); // undefined: it has just ended
  const foreign: Mount[] = [];
  for (const pid of reader.isRoot ? pids : ["1"]) {
    // An ordinary user may not see whose namespace it is, but may see the mounts.
    const namespace = reader.isRoot ? reader.link(`/proc/${pid}/ns/mnt`) : pid;
    if (seen.has(namespace)) continue;
    seen.add(namespace);
    for (const mount of parseMounts(reader.text(`/proc/${pid}/mountinfo`))) {
      if (known.has(identity(mount))) continue;
      known.add(identity(mount));
      foreign.push({ ...mount, point: `${mount.point} of process ${pid}` });
    }
  }
  return { own, foreign };
}

function identity({ number, source, options }: Mount): string {
  return `${number} ${source} ${options}`;
}
