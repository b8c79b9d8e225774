// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { isAlive, listPids, type ProcessIdentity, readProc, readStartTime, readUid } from "../core/processes.ts";
import { formatSize } from "../core/units.ts";

/** RLIMIT_MEMLOCK in bytes; `null` is unlimited. */
export interface MemlockLimit {
  readonly softBytes: number | null;
  readonly hardBytes: number | null;
}

export interface ProcessLimit extends ProcessIdentity, MemlockLimit {}

/** The limit in force for a process; `undefined` when it has ended or is not ours to look at. */
export function readMemlock(host: Host, pid: number): MemlockLimit | undefined {
  const match = /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(readProc(host, pid, "limits") ?? "");
  if (match === null) return undefined;
  const [softBytes, hardBytes] = match.slice(1).map((text) => (text === "unlimited" ? null : Number(text)));
  return { softBytes: softBytes ?? null, hardBytes: hardBytes ?? null };
}

/** The limits of all processes of a user. Needs: root, or to be that user. */
export function readUserMemlocks(host: Host, uid: number): readonly ProcessLimit[] {
  return listPids(host).flatMap((pid) => {
    // Twice the start time around the reads: a pid used again between them is left out.
    const startTime = readStartTime(host, pid);
    const limit = readUid(host, pid) === uid ? readMemlock(host, pid) : undefined;
    if (limit === undefined || startTime === undefined || !isAlive(host, { pid, startTime })) return [];
    return [{ pid, startTime, ...limit }];
  });
}

/**
 * Sets soft and hard limit of one process, if it is still the one meant; a process that has ended is fine.
 *
 * Touches: `prlimit` (util-linux). Needs: root with CAP_SYS_RESOURCE to raise; the same user to lower.
 * @throws {HostdevError} `HD_COMMAND_FAILED`.
 */
export async function setMemlock(host: Host, process: ProcessIdentity, limit: MemlockLimit): Promise<void> {
  if (!isAlive(host, process)) return;
  const text = (bytes: number | null) => (bytes === null ? "unlimited" : String(bytes));
  const args = ["--pid", String(process.pid), `--memlock=${text(limit.softBytes)}:${text(limit.hardBytes)}`];
  const { status, stderr } = await host.run("prlimit", args);
  if (status === 0 || !isAlive(host, process)) return;
  const message = `Cannot set the memlock limit of process ${process.pid} to ${describeLimit(limit.hardBytes)}: ${stderr.trim()}`;
  throw new HostdevError("HD_COMMAND_FAILED", message, { command: "prlimit", status, stderr: stderr.trim() });
}

/** `8 MiB`, or `unlimited`. */
export function describeLimit(bytes: number | null): string {
  return bytes === null ? "unlimited" : formatSize(bytes);
}

/** Whether limit `a` is at least `b`; `null` is unlimited. */
export function isAtLeast(a: number | null, b: number | null): boolean {
  return a === null || (b !== null && a >= b);
}
