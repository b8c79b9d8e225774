// SPDX-License-Identifier: Apache-2.0

/**
 * Whether QEMU will get its locks on the images. It takes them on bytes of the file, one for each thing that it does
 * with it, or that it lets nobody else do (QEMU: block/file-posix.c, RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE).
 */
import { HostdevError, isHostdevError } from "../core/errors.ts";
import { type Finding, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/printable.ts";
import { listPids, readCommandLine, readProc } from "../core/processes.ts";
import type { Domain } from "../domain/domain.ts";
import { vmName } from "../vfio/holders.ts";
import { pathState } from "./path-state.ts";

const writes = 101;
const letsNobodyWrite = 201;

/** How somebody uses an image, or wants to. */
interface Use {
  readonly path: string;
  /** For messages: `VM "other"`, `disk vda`. */
  readonly who: string;
  readonly writes: boolean;
  readonly letsNobodyWrite: boolean;
}

/**
 * Checks that no other VM of the caller, and no other disk of this one, has an image in a way that keeps QEMU from it.
 *
 * Touches: reads `/proc/locks`, and, when somebody has locks on such files, which files the caller's QEMUs have open. Needs: nothing.
 */
export function checkImageLocks(host: Host, domain: Domain): readonly Finding[] {
  const wanted = wantedImages(host, domain);
  if (wanted.length === 0) return [];
  const others = imagesInUse(host, new Set(wanted.map(({ path }) => path)));
  return wanted.flatMap((use, index) => {
    const other = [...others, ...wanted.slice(0, index)].find((one) => one.path === use.path && isConflict(one, use));
    if (other === undefined) return [];
    const message = `Cannot use ${use.path} (${use.who}): ${other.who} uses it`;
    return [toFinding(new HostdevError("HD_IMAGE_IN_USE", message, { path: use.path, user: other.who }))];
  });
}

function isConflict(one: Use, other: Use): boolean {
  return (one.writes && other.letsNobodyWrite) || (one.letsNobodyWrite && other.writes);
}

function wantedImages(host: Host, { devices }: Domain): readonly Use[] {
  return devices.disks.flatMap((disk) => {
    const uses: Use[] = [];
    const add = (name: string | undefined, isWritten: boolean) => {
      const path = name === undefined || pathState(host, name) !== undefined ? undefined : host.realPath(name);
      const who = `disk ${disk.target.dev}`;
      if (path !== undefined) uses.push({ path, who, writes: isWritten, letsNobodyWrite: !disk.shareable });
    };
    if (disk.type === "file") add(disk.source?.file, !disk.readonly);
    if (disk.type === "block") add(disk.source?.dev, !disk.readonly);
    for (let below = disk.backingStore; below !== undefined && below.type !== "none"; below = below.backingStore) {
      if (below.type === "file") add(below.source?.file, false);
      if (below.type === "block") add(below.source?.dev, false);
    }
    return uses;
  });
}

function imagesInUse(host: Host, paths: ReadonlySet<string>): readonly Use[] {
  // One read tells whether anybody has a lock on a file of that number: mostly nobody, and no process is looked at.
  const locks = host.readText("/proc/locks") ?? "";
  const isLocked = (path: string) => locks.includes(`:${host.status(path)?.inode} `);
  if (![...paths].some(isLocked)) return [];
  return listPids(host).flatMap((pid) =>
    readProc(host, pid, "comm")?.startsWith("qemu") === true ? usesOf(host, pid, paths) : [],
  );
}

function usesOf(host: Host, pid: number, paths: ReadonlySet<string>): readonly Use[] {
  try {
    return (host.list(`/proc/${pid}/fd`) ?? []).flatMap((file) => {
      const path = host.readLink(`/proc/${pid}/fd/${file}`) ?? "";
      if (!paths.has(path)) return [];
      const bytes = lockedBytes(readProc(host, pid, `fdinfo/${file}`) ?? "");
      const name = vmName(readCommandLine(host, pid));
      const who = name === undefined ? `process ${pid}` : `VM "${printable(name)}"`;
      return [{ path, who, writes: bytes.has(writes), letsNobodyWrite: bytes.has(letsNobodyWrite) }];
    });
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return []; // another user's
    throw error;
  }
}

/** From lines such as `lock: 1: OFDLCK ADVISORY READ -1 fe:00:2147203 100 101`. */
function lockedBytes(text: string): ReadonlySet<number> {
  const ranges = [...text.matchAll(/^lock:.* OFDLCK .* (\d+) (\d+)$/gm)];
  return new Set(
    [writes, letsNobodyWrite].filter((byte) =>
      ranges.some(([, from, to]) => byte >= Number(from) && byte <= Number(to)),
    ),
  );
}
