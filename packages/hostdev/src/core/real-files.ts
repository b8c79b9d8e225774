// SPDX-License-Identifier: Apache-2.0
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf, fileError, isAbsent } from "./errno.ts";
import type { FileStatus, Ownership } from "./host.ts";

function guard<T>(operation: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw fileError(operation, path, errnoOf(error) ?? "EIO", error);
  }
}

function whenPresent<T>(operation: string, path: string, act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw fileError(operation, path, errnoOf(error) ?? "EIO", error);
  }
}

/** `Host.readText` on the real machine. */
export function readText(path: string): string | undefined {
  return whenPresent("read", path, () => fs.readFileSync(path, "utf8"));
}

/** `Host.readBytes` on the real machine. */
export function readBytes(path: string, maxBytes: number): Uint8Array | undefined {
  return whenPresent("read", path, () => {
    const fd = fs.openSync(path, "r");
    try {
      return readAll(fd, maxBytes);
    } finally {
      fs.closeSync(fd);
    }
  });
}

/** Reads to the end, or to `maxBytes`; the buffer grows with what comes, as the kernel's own files tell no true size. */
function readAll(fd: number, maxBytes: number): Uint8Array {
  const sizeBytes = fs.fstatSync(fd).size;
  let buffer = new Uint8Array(Math.min(maxBytes, Math.max(4096, sizeBytes + 1)));
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      if (length >= maxBytes) break;
      const larger = new Uint8Array(Math.min(maxBytes, 2 * length));
      larger.set(buffer);
      buffer = larger;
    }
    const got = fs.readSync(fd, buffer, length, buffer.length - length, null);
    if (got === 0) break;
    length += got;
  }
  return buffer.subarray(0, length);
}

/** `Host.readLink` on the real machine. */
export function readLink(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    if (isAbsent(error) || errnoOf(error) === "EINVAL") return undefined;
    throw fileError("read the link", path, errnoOf(error) ?? "EIO", error);
  }
}

/** `Host.realPath` on the real machine. */
export function realPath(path: string): string | undefined {
  return whenPresent("resolve", path, () => fs.realpathSync(path));
}

/** `Host.list` on the real machine. */
export function list(path: string): readonly string[] | undefined {
  return whenPresent("list", path, () => fs.readdirSync(path));
}

function kindOf(stats: fs.Stats): FileStatus["kind"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character-device";
  if (stats.isBlockDevice()) return "block-device";
  return stats.isSocket() ? "socket" : "other";
}

/** `Host.status` on the real machine. */
export function status(path: string): FileStatus | undefined {
  return whenPresent("look at", path, () => {
    const stats = fs.lstatSync(path);
    const { uid, gid, size: sizeBytes, ino: inode, blocks } = stats;
    const allocatedBytes = 512 * blocks;
    return { kind: kindOf(stats), mode: stats.mode & 0o7777, uid, gid, sizeBytes, inode, allocatedBytes };
  });
}

/** `Host.canAccess` on the real machine. */
export function canAccess(path: string, wanted: "read" | "write" | "read-write"): boolean {
  const mode = (wanted === "write" ? 0 : fs.constants.R_OK) | (wanted === "read" ? 0 : fs.constants.W_OK);
  try {
    fs.accessSync(path, mode);
    return true;
  } catch {
    return false; // every errno means the same to the caller: not with this file
  }
}

/** `Host.tryOpen` on the real machine. */
export function tryOpen(path: string, how: "read-write" | "exclusive" = "read-write"): string | undefined {
  const { O_RDWR, O_RDONLY, O_EXCL, O_NONBLOCK } = fs.constants;
  try {
    fs.closeSync(fs.openSync(path, (how === "exclusive" ? O_RDONLY | O_EXCL : O_RDWR) | O_NONBLOCK));
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? "EIO";
  }
}

function syncDirectory(path: string): void {
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function writeAndSync(fd: number, text: string, mode: number): void {
  try {
    fs.fchmodSync(fd, mode); // whatever the umask is
    fs.writeSync(fd, text);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Where `writeFile` prepares a file; a name of its own, so that what a kill leaves is found and cleared. */
function temporaryFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.new`);
}

/** `Host.writeFile` on the real machine. */
export function writeFile(path: string, text: string, mode: number): void {
  guard("write", path, () => {
    const temporary = temporaryFor(path);
    try {
      fs.rmSync(temporary, { force: true });
      writeAndSync(fs.openSync(temporary, "wx", 0o600), text, mode);
      fs.renameSync(temporary, path);
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      throw error;
    }
    syncDirectory(dirname(path));
  });
}

/** `Host.appendFile` on the real machine. */
export function appendFile(path: string, text: string, mode: number): void {
  guard("append to", path, () => {
    const isNew = status(path) === undefined;
    const flags = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW;
    writeAndSync(fs.openSync(path, flags, mode), text, mode);
    if (isNew) syncDirectory(dirname(path));
  });
}

/** `Host.removeFile` on the real machine. */
export function removeFile(path: string): void {
  guard("remove", path, () => {
    if (status(dirname(path)) === undefined) return;
    for (const name of [path, temporaryFor(path)]) {
      if (status(name) !== undefined) fs.unlinkSync(name);
    }
    syncDirectory(dirname(path));
  });
}

/** `Host.makeDirectory` on the real machine. */
export function makeDirectory(path: string, mode: number): void {
  guard("make the directory", path, () => {
    if (status(path) !== undefined) return;
    makeDirectory(dirname(path), mode);
    fs.mkdirSync(path, mode);
    fs.chmodSync(path, mode);
    syncDirectory(dirname(path));
  });
}

/** `Host.removeDirectory` on the real machine. */
export function removeDirectory(path: string): void {
  try {
    fs.rmdirSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== "ENOENT" && errno !== "ENOTEMPTY" && errno !== "EEXIST")
      throw fileError("remove", path, errno ?? "EIO", error);
  }
}

/** `O_PATH` of Linux, which Node does not name: a handle on the file itself, without opening the device behind it. */
const openAsPath = 0o10000000;

/** `Host.setOwnership` on the real machine. */
export function setOwnership(path: string, { uid, gid, mode }: Ownership): void {
  guard("change the owner of", path, () => {
    // One handle for looking and changing: what the path means cannot be exchanged in between. Not an ordinary open, which
    // fails with EBUSY while a VM has the group.
    const fd = fs.openSync(path, openAsPath | fs.constants.O_NOFOLLOW);
    try {
      if (fs.fstatSync(fd).isSymbolicLink()) throw Object.assign(new Error("symbolic link"), { code: "ELOOP" });
      const handle = `/proc/self/fd/${fd}`;
      // Taking away comes before giving: whoever loses access loses it before the new owner gets any.
      fs.chmodSync(handle, 0);
      fs.chownSync(handle, uid, gid);
      fs.chmodSync(handle, mode);
    } finally {
      fs.closeSync(fd);
    }
  });
}
