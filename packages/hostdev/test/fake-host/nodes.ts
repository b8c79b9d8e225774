// SPDX-License-Identifier: Apache-2.0

/** Who makes a system call: what the kernel keeps in `struct cred`, and the process. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly pid: number;
}

/** Root, as no process in particular: the kernel itself, and what tests do "by another hand". */
export const kernelCaller: Caller = { uid: 0, gid: 0, groups: [0], pid: 0 };

/** Owner and permission bits; every node of the file system has them and any may be changed. */
export interface Owned {
  mode: number;
  uid: number;
  gid: number;
}

/** The names of a directory: a `Map`, or something computed, as in `/proc`. */
export interface Entries {
  get(name: string, caller: Caller): FileNode | undefined;
  names(caller: Caller): readonly string[];
}

export interface DirectoryNode extends Owned {
  readonly kind: "directory";
  readonly children: Map<string, FileNode>;
  /** Looked up after `children`. */
  readonly computed?: Entries;
  /** Belongs to sysfs or proc: only the kernel makes and removes entries, and lists them in hash order. */
  readonly pseudo: boolean;
}

/** A file on a disk or tmpfs. */
export interface RegularNode extends Owned {
  readonly kind: "file";
  content: string | Uint8Array;
}

/** A file of sysfs or proc. Without `read` or `write` not even root may open it so. */
export interface AttributeNode extends Owned {
  readonly kind: "attribute";
  readonly sizeBytes: number;
  readonly read?: (caller: Caller) => string | Uint8Array;
  readonly write?: (value: string, caller: Caller) => void;
  /** For binary files, which take bytes at an offset. */
  readonly writeAt?: (offset: number, bytes: Uint8Array) => void;
}

export interface SymlinkNode extends Owned {
  readonly kind: "symlink";
  /** The target as written; computed for `/proc/self` and `/proc/PID/fd/N`, where it may also fail. */
  readonly target: string | ((caller: Caller) => string);
}

export interface DeviceNode extends Owned {
  readonly kind: "character-device" | "block-device";
  /** What the driver's `open` says after the permissions have been found good: an errno, or nothing. */
  readonly open?: (caller: Caller) => string | undefined;
}

export interface SocketNode extends Owned {
  readonly kind: "socket";
}

export type FileNode = DirectoryNode | RegularNode | AttributeNode | SymlinkNode | DeviceNode | SocketNode;

/** A directory of sysfs or proc, root's, 0755. */
export function pseudoDirectory(computed?: Entries, mode = 0o755): DirectoryNode {
  const base = { kind: "directory", mode, uid: 0, gid: 0, children: new Map(), pseudo: true } as const;
  return computed === undefined ? base : { ...base, computed };
}

/** A directory on a disk or tmpfs. */
export function plainDirectory(mode = 0o755, uid = 0, gid = 0): DirectoryNode {
  return { kind: "directory", mode, uid, gid, children: new Map(), pseudo: false };
}

/** A read-only file of sysfs: a fixed text, or one computed at each read. A newline is added to a fixed text. */
export function attribute(value: string | ((caller: Caller) => string | Uint8Array), mode = 0o444): AttributeNode {
  const read = typeof value === "string" ? () => `${value}\n` : value;
  return { kind: "attribute", mode, uid: 0, gid: 0, sizeBytes: 4096, read };
}

/** A control file that only root may write, and nobody may read. */
export function control(write: (value: string, caller: Caller) => void, mode = 0o200): AttributeNode {
  return { kind: "attribute", mode, uid: 0, gid: 0, sizeBytes: 4096, write };
}

/** A file of sysfs that can be read and written, 0644. */
export function tunable(
  read: () => string,
  write: (value: string, caller: Caller) => void,
  mode = 0o644,
): AttributeNode {
  return { kind: "attribute", mode, uid: 0, gid: 0, sizeBytes: 4096, read, write };
}

export function symlink(target: string | ((caller: Caller) => string), uid = 0, gid = 0): SymlinkNode {
  return { kind: "symlink", mode: 0o777, uid, gid, target };
}
