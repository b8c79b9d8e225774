// SPDX-License-Identifier: Apache-2.0
import type { Duplex, Readable, Writable } from "node:stream";

/** What `lstat(2)` says of a path. */
export interface FileStatus {
  readonly kind: "file" | "directory" | "symlink" | "character-device" | "block-device" | "socket" | "other";
  /** Permission bits, such as `0o600`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Its number in its file system, where it has one. */
  readonly inode?: number;
  /** How much of it is really on the disk; absent where that is not known. */
  readonly allocatedBytes?: number;
}

export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, such as `0o600`. */
  readonly mode: number;
}

export interface CommandResult {
  /** Exit status; `null` when a signal ended it. */
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Default 30,000; after it the command gets SIGKILL and `HD_TIMEOUT` is thrown. */
  readonly timeoutMs?: number;
  readonly input?: string;
  /** A connection of ours that the program gets as its file 3, such as one to send an open file over. It stays ours. */
  readonly connection?: Duplex;
}

export interface SpawnOptions {
  readonly stdin?: "pipe" | "ignore";
  readonly env?: Readonly<Record<string, string>>;
  /**
   * What it says goes to the end of this file (made when missing, mode 0600) instead of to us. Such a program may
   * outlive us: nothing of it hangs on this process, and it keeps this process from nothing.
   */
  readonly logFile?: string;
  /** Begins `logFile` anew, with this in front. It is not fsynced. */
  readonly logHeading?: string;
}

/** A program that runs beside us. */
export interface RunningProgram {
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<{ readonly status: number | null; readonly signal: string | null }>;
}

/** Where somebody listens: a unix socket's path, or a port. */
export type SocketAddress = { readonly path: string } | { readonly address: string; readonly port: number };

/** Something that listens. */
export interface Listener {
  /** Nobody can connect any more; those who have go on. Removes the socket's file, if we made it. */
  readonly close: () => Promise<void>;
}

/**
 * The one door to the machine: files, the kernel's control files, processes, clock, sockets.
 *
 * Nothing else in the program imports `node:fs`, `node:child_process` or `node:net`, so that everything above runs
 * the same on the real machine (`RealHost`) and on a model of the kernel (`FakeHost`, in the tests).
 * Reads are synchronous: sysfs and proc answer from memory, and one thread reads them faster than a pool.
 * Writes to the kernel are not: they may take seconds, or hang (`docs/decisions/0003-kernel-writes-in-a-child.md`).
 *
 * Absent is a value, not an error: a read of something that is not there gives `undefined` (ENOENT, ENOTDIR,
 * ENODEV, ENXIO). Every other failure throws `HD_FILE` with the errno.
 */
export interface Host {
  /** Who runs this program. `groups` has the primary and all supplementary groups. */
  readonly self: {
    /** The login name; the uid as text where the system knows none. */
    readonly name: string;
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly number[];
    readonly pid: number;
    /** The words that start this program again, the first one absolute: an interpreter and a script. */
    readonly program: readonly string[];
  };

  /** The file's text, as UTF-8. */
  readText(path: string): string | undefined;
  /** At most `maxBytes` from the start of the file; fewer when it ends or the kernel gives no more. */
  readBytes(path: string, maxBytes: number): Uint8Array | undefined;
  /** The target of a symbolic link as written; `undefined` also when it is not a link. */
  readLink(path: string): string | undefined;
  /** The path with all links resolved. */
  realPath(path: string): string | undefined;
  /** Names in a directory, in the kernel's order. */
  list(path: string): readonly string[] | undefined;
  /** `lstat(2)`: links are not followed. */
  status(path: string): FileStatus | undefined;
  /** `access(2)` for this process. Absent is `false`. */
  canAccess(path: string, wanted: "read" | "write" | "read-write"): boolean;
  /**
   * Opens and closes: finds what `access(2)` cannot see (EBUSY, device cgroups, LSMs).
   *
   * @param how `read-write` by default; `exclusive` is a block device's O_EXCL, which fails with EBUSY when a file
   * system, a swap area or anything else in the kernel has it.
   * @returns the errno name of the failure; `undefined` when it opened.
   */
  tryOpen(path: string, how?: "read-write" | "exclusive"): string | undefined;

  /**
   * Writes `value` to a control file of the kernel, in one `write(2)`, in a child process with a watchdog, since
   * some writes (unbind of a device somebody holds) never return.
   *
   * @param timeoutMs default 30,000.
   * @throws {HostdevError} `HD_KERNEL_WRITE` with the errno; `HD_KERNEL_WRITE_HANGS` after the time, with the child
   * left behind, since nothing can end it.
   */
  writeKernel(path: string, value: string, timeoutMs?: number): Promise<void>;
  /**
   * Writes bytes into a binary file of the kernel, such as a config space, from `offset` on; else as `writeKernel`.
   *
   * @throws {HostdevError} `HD_KERNEL_WRITE`, `HD_KERNEL_WRITE_HANGS`; the value in them is `OFFSET: BYTES`, in hex.
   */
  writeKernelBytes(path: string, offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Puts a whole file in place: temporary file `.NAME.new` beside it, fsync, rename, fsync of the directory. Symbolic
   * links at `path` are replaced, not followed. Missing parent directories are not made.
   * After a failure: the old file, whole. After a kill: perhaps the temporary file too, until `removeFile`.
   */
  writeFile(path: string, text: string, mode: number): void;
  /** Appends and fsyncs; makes the file (with `mode`) and fsyncs its directory when it is new. */
  appendFile(path: string, text: string, mode: number): void;
  /** Removes a file, and what a killed `writeFile` left of it, and fsyncs the directory; absent is fine. */
  removeFile(path: string): void;
  /** Makes a directory and missing parents with this mode whatever the umask is; existing ones stay as they are. */
  makeDirectory(path: string, mode: number): void;
  /** Removes an empty directory; absent or not empty is fine. */
  removeDirectory(path: string): void;
  /** Sets owner and mode of a device node or file; refuses to follow a symbolic link (`HD_FILE`, ELOOP). */
  setOwnership(path: string, ownership: Ownership): void;
  /**
   * Takes an exclusive lock on a file (made when missing) that ends with this process at the latest.
   *
   * @throws {HostdevError} `HD_LOCKED`, with who has it.
   * @returns the release; when that is done, the next one gets the lock.
   */
  lock(path: string): Promise<() => Promise<void>>;

  /**
   * Runs a program to its end. The environment is `LC_ALL=C` and a fixed PATH; there is no shell.
   *
   * @throws {HostdevError} `HD_COMMAND_NOT_FOUND`, `HD_TIMEOUT`. A status other than 0 does not throw.
   */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /**
   * Starts a program that goes on beside us, in its own session (`setsid`), with this process's environment.
   *
   * @throws {HostdevError} `HD_COMMAND_NOT_FOUND`; `HD_FILE` for a log that cannot be written.
   */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): Promise<RunningProgram>;
  /** Sends a signal; `false` when there is no such process. */
  kill(pid: number, signal: "SIGTERM" | "SIGKILL" | "SIGINT"): boolean;
  /** Connects to a unix socket; `undefined` when nobody listens there (yet). */
  connect(path: string): Promise<Duplex | undefined>;
  /**
   * Listens on a unix socket of mode 0600, made at a path, or on one that we were given as an open file (systemd's).
   *
   * @throws {HostdevError} `HD_FILE`; EADDRINUSE when something is at the path already.
   */
  listen(where: { readonly path: string } | { readonly fd: number }, serve: (line: Duplex) => void): Promise<Listener>;
  /** Whether `passConnection` can do its work here. */
  readonly canPassConnections: boolean;
  /**
   * Connects to somebody, and gives that connection away: sends `bytes` on a unix socket that `listen` or `connect`
   * gave us, and behind them one byte more that carries the open file (SCM_RIGHTS). Nothing else may be on its way
   * there meanwhile.
   *
   * Touches: runs Python, since Node cannot.
   * @throws {HostdevError} `HD_COMMAND_NOT_FOUND`; `HD_FILE` when nobody listens at `target`: nothing was sent, or when
   * the line broke: it is closed.
   */
  passConnection(line: Duplex, bytes: Uint8Array, target: SocketAddress): Promise<void>;
  /**
   * Opens a terminal, such as the pty of a guest's serial port, both ways. It does not become our controlling one.
   *
   * @throws {HostdevError} `HD_FILE`, also when the file is no terminal (ENOTTY).
   */
  openTerminal(path: string): Promise<Duplex>;

  environment(name: string): string | undefined;
  now(): Date;
  sleep(milliseconds: number): Promise<void>;
}
