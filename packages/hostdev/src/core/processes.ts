// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "./errors.ts";
import type { Host } from "./host.ts";

/** A process, told from a later one with the same pid by its start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, as in field 22 of `/proc/<pid>/stat`. */
  readonly startTime: number;
}

/** The start time of a process; `undefined` when there is none. Needs: nothing. */
export function readStartTime(host: Host, pid: number): number | undefined {
  // The second field, the command's name in parentheses, may itself hold blanks and parentheses.
  const field = readProc(host, pid, "stat")?.split(") ").at(-1)?.split(" ")[19];
  return field === undefined ? undefined : Number(field);
}

/** Whether exactly this process still runs. */
export function isAlive(host: Host, { pid, startTime }: ProcessIdentity): boolean {
  return readStartTime(host, pid) === startTime;
}

/** The pids of all processes that this caller may see. */
export function listPids(host: Host): readonly number[] {
  return (host.list("/proc") ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** The real uid of a process; `undefined` when it has ended. */
export function readUid(host: Host, pid: number): number | undefined {
  const match = /^Uid:\s+(\d+)/m.exec(readProc(host, pid, "status") ?? "");
  return match === null ? undefined : Number(match[1]);
}

/** The command line of a process, empty for kernel threads and for what has ended. */
export function readCommandLine(host: Host, pid: number): readonly string[] {
  return (readProc(host, pid, "cmdline") ?? "").split("\0").slice(0, -1);
}

/** A file below `/proc/<pid>`; a process that has just ended, or that is not ours to look at, has none. */
export function readProc(host: Host, pid: number, file: string): string | undefined {
  try {
    return host.readText(`/proc/${pid}/${file}`);
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return undefined;
    throw error;
  }
}
