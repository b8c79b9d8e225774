// SPDX-License-Identifier: Apache-2.0
import type { Caller } from "./nodes.ts";

/** A resource limit in bytes; `Infinity` is "unlimited". */
export interface Limit {
  soft: number;
  hard: number;
}

export interface ProcessOptions {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
  readonly comm: string;
  readonly cmdline?: readonly string[];
  readonly exe?: string;
  readonly memlock?: Limit;
  readonly ppid?: number;
  /** Bytes locked now (`VmLck`). */
  readonly lockedBytes?: number;
}

/** Default of the kernel since 5.16, which systemd keeps. */
export const defaultMemlockBytes = 8 * 1024 * 1024;

/** A running process. */
export class FakeProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly ppid: number;
  readonly caller: Caller;
  readonly cmdline: readonly string[];
  readonly exe: string;
  readonly memlock: Limit;
  readonly fds = new Map<number, string>();
  comm: string;
  /** One letter as in `/proc/PID/stat`; `D` cannot be killed. */
  state: "S" | "R" | "D" | "Z" = "S";
  lockedBytes: number;
  /** Handles a signal instead of ending; SIGKILL always ends. */
  onSignal: ((signal: string) => void) | undefined;
  #atEnd: (() => void)[] = [];

  constructor(pid: number, startTicks: number, options: ProcessOptions) {
    const { uid, gid, groups = [gid], comm, cmdline = [comm], exe = `/usr/bin/${comm}`, ppid = 1 } = options;
    this.pid = pid;
    this.startTicks = startTicks;
    this.ppid = ppid;
    this.caller = { uid, gid, groups, pid };
    this.comm = comm;
    this.cmdline = cmdline;
    this.exe = exe;
    this.memlock = { ...(options.memlock ?? { soft: defaultMemlockBytes, hard: defaultMemlockBytes }) };
    this.lockedBytes = options.lockedBytes ?? 0;
    for (const fd of [0, 1, 2]) this.fds.set(fd, "/dev/null");
  }

  /** Gives the lowest free descriptor to a path. */
  open(path: string): number {
    let fd = 0;
    while (this.fds.has(fd)) fd++;
    this.fds.set(fd, path);
    return fd;
  }

  close(fd: number): void {
    this.fds.delete(fd);
  }

  /** Shows descriptors of a removed path as proc does: `/dev/vfio/7 (deleted)`. */
  markDeleted(path: string): void {
    for (const [fd, target] of this.fds) if (target === path) this.fds.set(fd, `${path} (deleted)`);
  }

  /** Runs when the process ends, however it ends. */
  atEnd(act: () => void): void {
    this.#atEnd.push(act);
  }

  /** For the process table only: what the kernel cleans up. */
  release(): void {
    const acts = this.#atEnd;
    this.#atEnd = [];
    for (const act of acts) act();
    this.fds.clear();
  }
}
