// SPDX-License-Identifier: Apache-2.0

import { FakeProcess, type Limit, type ProcessOptions } from "./fake-process.ts";
import { KernelError } from "./kernel-error.ts";
import { attribute, type Caller, type DirectoryNode, type FileNode, pseudoDirectory, symlink } from "./nodes.ts";

interface Mounts {
  readonly mounts: string;
  readonly mountinfo: string;
}

/** All processes, and their directories in `/proc`. */
export class ProcessTable {
  readonly #processes = new Map<number, FakeProcess>();
  readonly #ticks: () => number;
  readonly #mounts: Mounts;
  #nextPid = 1;

  /**
   * @param ticks clock ticks since boot.
   * @param mounts what every process's `mounts` and `mountinfo` say.
   */
  constructor(ticks: () => number, mounts: Mounts = { mounts: "", mountinfo: "" }) {
    this.#ticks = ticks;
    this.#mounts = mounts;
    this.start({ uid: 0, gid: 0, comm: "systemd", cmdline: ["/sbin/init"], exe: "/usr/lib/systemd/systemd", ppid: 0 });
    this.#nextPid = 1000;
  }

  /** @param pid of a process that has ended, to be used again; default: a new one. */
  start(options: ProcessOptions, pid = this.#nextPid++): FakeProcess {
    const process = new FakeProcess(pid, this.#ticks(), options);
    this.#processes.set(process.pid, process);
    return process;
  }

  get(pid: number): FakeProcess | undefined {
    return this.#processes.get(pid);
  }

  all(): readonly FakeProcess[] {
    return [...this.#processes.values()];
  }

  /** The process is no more: its files are closed, its locks released. */
  end(pid: number): void {
    const process = this.#processes.get(pid);
    this.#processes.delete(pid);
    process?.release();
  }

  /** `kill(2)`. @returns false when there is no such process. @throws {KernelError} EPERM. */
  signal(pid: number, signal: string, caller: Caller): boolean {
    const process = this.#processes.get(pid);
    if (process === undefined) return false;
    if (caller.uid !== 0 && caller.uid !== process.caller.uid) throw new KernelError("EPERM");
    if (process.state === "D") return true;
    if (signal !== "SIGKILL" && process.onSignal !== undefined) process.onSignal(signal);
    else this.end(pid);
    return true;
  }

  /** The entries of `/proc` that are processes. */
  entries(): { get(name: string): FileNode | undefined; names(): string[] } {
    return {
      get: (name) => {
        const process = /^[1-9]\d*$/.test(name) ? this.#processes.get(Number(name)) : undefined;
        return process === undefined ? undefined : directoryOf(process, this.#mounts);
      },
      names: () => [...this.#processes.keys()].map(String),
    };
  }
}

function directoryOf(process: FakeProcess, { mounts, mountinfo }: Mounts): DirectoryNode {
  const { uid, gid } = process.caller;
  const directory = pseudoDirectory(undefined, 0o555);
  const files: Record<string, FileNode> = {
    stat: attribute(() => statLine(process)),
    status: attribute(() => statusText(process)),
    limits: attribute(() => limitsText(process.memlock)),
    mounts: attribute(() => mounts),
    mountinfo: attribute(() => mountinfo),
    comm: attribute(() => `${process.comm}\n`),
    cmdline: attribute(() => process.cmdline.map((word) => `${word}\0`).join("")),
    exe: symlink((caller) => traced(process, caller, process.exe), uid, gid),
    fd: {
      ...pseudoDirectory(
        {
          get: (name) => {
            const target = process.fds.get(Number(name));
            return target === undefined ? undefined : symlink((caller) => traced(process, caller, target), uid, gid);
          },
          names: () => [...process.fds.keys()].map(String),
        },
        0o500,
      ),
    },
  };
  for (const [name, node] of Object.entries(files)) directory.children.set(name, Object.assign(node, { uid, gid }));
  return Object.assign(directory, { uid, gid });
}

/** Links in `/proc/PID` may be read by the process's own user and root only (PTRACE_MODE_READ). */
function traced(process: FakeProcess, caller: Caller, target: string): string {
  if (caller.uid !== 0 && caller.uid !== process.caller.uid) throw new KernelError("EACCES");
  return target;
}

function statLine(process: FakeProcess): string {
  const { pid, comm, state, ppid, startTicks } = process;
  const before = `${pid} (${comm.slice(0, 15)}) ${state} ${ppid} ${pid} ${pid} 0 -1 4194560 100 0 0 0 1 1 0 0 20 0 1 0`;
  return `${before} ${startTicks} 3133440 381 18446744073709551615${" 0".repeat(27)}\n`;
}

function statusText(process: FakeProcess): string {
  const { pid, ppid, comm, state, caller, lockedBytes } = process;
  const { uid, gid, groups } = caller;
  const states = { S: "S (sleeping)", R: "R (running)", D: "D (disk sleep)", Z: "Z (zombie)" };
  const lines = [
    ["Name", comm.slice(0, 15)],
    ["Umask", "0022"],
    ["State", states[state]],
    ["Tgid", pid],
    ["Ngid", 0],
    ["Pid", pid],
    ["PPid", ppid],
    ["TracerPid", 0],
    ["Uid", [uid, uid, uid, uid].join("\t")],
    ["Gid", [gid, gid, gid, gid].join("\t")],
    ["FDSize", 64],
    ["Groups", `${groups.join(" ")} `],
    ["VmPeak", "    3060 kB"],
    ["VmLck", kiB(lockedBytes)],
    ["VmPin", kiB(0)],
    ["VmRSS", "    1524 kB"],
    ["Threads", 1],
    ["CapEff", uid === 0 ? "000001ffffffffff" : "0000000000000000"],
  ];
  return lines.map(([name, value]) => `${name}:\t${value}\n`).join("");
}

function kiB(bytes: number): string {
  return `${String(Math.ceil(bytes / 1024)).padStart(8)} kB`;
}

/** As fs/proc/base.c prints it: `%-25s %-20s %-20s %-10s`. */
function limitsText(memlock: Limit): string {
  const unlimited = Number.POSITIVE_INFINITY;
  const rows: readonly (readonly [string, number, number, string])[] = [
    ["Max cpu time", unlimited, unlimited, "seconds"],
    ["Max file size", unlimited, unlimited, "bytes"],
    ["Max data size", unlimited, unlimited, "bytes"],
    ["Max stack size", 8388608, unlimited, "bytes"],
    ["Max core file size", 0, unlimited, "bytes"],
    ["Max resident set", unlimited, unlimited, "bytes"],
    ["Max processes", 96365, 96365, "processes"],
    ["Max open files", 1024, 524288, "files"],
    ["Max locked memory", memlock.soft, memlock.hard, "bytes"],
    ["Max address space", unlimited, unlimited, "bytes"],
    ["Max file locks", unlimited, unlimited, "locks"],
    ["Max pending signals", 96365, 96365, "signals"],
    ["Max msgqueue size", 819200, 819200, "bytes"],
    ["Max nice priority", 0, 0, ""],
    ["Max realtime priority", 0, 0, ""],
    ["Max realtime timeout", unlimited, unlimited, "us"],
  ];
  const line = (name: string, soft: string, hard: string, unit: string) =>
    `${name.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${unit.padEnd(10)}\n`;
  const head = line("Limit", "Soft Limit", "Hard Limit", "Units");
  return head + rows.map(([name, soft, hard, unit]) => line(name, limitText(soft), limitText(hard), unit)).join("");
}

/** A limit as proc and prlimit print it. */
export function limitText(bytes: number): string {
  return bytes === Number.POSITIVE_INFINITY ? "unlimited" : String(bytes);
}
