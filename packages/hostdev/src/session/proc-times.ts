// SPDX-License-Identifier: Apache-2.0

import type { Host } from "../core/host.ts";
import { readProc } from "../core/processes.ts";
import { KiB } from "../core/units.ts";

/** What the kernel counts for a process or one of its threads. */
export interface ProcTimes {
  readonly userNs: bigint;
  readonly systemNs: bigint;
  readonly rssBytes: number;
  /** The host's CPU that it was last on. */
  readonly cpu: number;
}

/** A clock tick of `/proc/PID/stat`: USER_HZ is 100 on x86. */
const tickNs = 10_000_000n;
const pageBytes = 4 * KiB;

/** The counts of a process, or of one thread of it; `undefined` when it has ended. @see proc_pid_stat(5) */
export function readTimes(host: Host, pid: number, thread?: number): ProcTimes | undefined {
  const text = readProc(host, pid, thread === undefined ? "stat" : `task/${thread}/stat`);
  // Fields are counted from 1, and the first behind the command's name is the third.
  const fields = text?.split(") ").at(-1)?.trim().split(" ");
  if (fields === undefined || fields.length < 37) return undefined;
  const field = (number: number) => fields[number - 3] ?? "0";
  return {
    userNs: BigInt(field(14)) * tickNs,
    systemNs: BigInt(field(15)) * tickNs,
    rssBytes: Number(field(24)) * pageBytes,
    cpu: Number(field(39)),
  };
}

/** How a thread shared the CPUs with others. */
export interface Schedule {
  readonly ranNs: bigint;
  /** Waited for a CPU. */
  readonly waitedNs: bigint;
  /** The same by another count, which the kernel makes only with its schedstats switched on; else 0. */
  readonly runnableNs: bigint;
}

/** How long a thread ran and waited; `undefined` when it has ended. @see sched-stats in the kernel's documentation */
export function readSchedule(host: Host, pid: number, thread: number): Schedule | undefined {
  const match = /^(\d+) (\d+) /.exec(readProc(host, pid, `task/${thread}/schedstat`) ?? "");
  if (match === null) return undefined;
  const waitMs = /wait_sum\s*:\s*([\d.]+)/.exec(readProc(host, pid, `task/${thread}/sched`) ?? "")?.[1];
  const runnableNs = BigInt(Math.floor(Number(waitMs ?? 0) * 1e6));
  return { ranNs: BigInt(match[1] ?? 0), waitedNs: BigInt(match[2] ?? 0), runnableNs };
}
