// SPDX-License-Identifier: Apache-2.0
import type { HolderDetails } from "../core/error-details.ts";
import { HostdevError, isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/printable.ts";
import {
  listPids,
  type ProcessIdentity,
  readCommandLine,
  readProc,
  readStartTime,
  readUid,
} from "../core/processes.ts";
import { findUser } from "../core/users.ts";
import { groupNode } from "./nodes.ts";

/** A process that has a node open. */
export interface Holder extends HolderDetails, ProcessIdentity {
  readonly uid: number;
}

/**
 * Finds the processes that have one of these device nodes open.
 *
 * Touches: reads `/proc/<pid>/fd`. Needs: root to see other users' processes; a user sees his own.
 * A holder inside another mount namespace is found too: the link gives the node's path as the process opened it,
 * and QEMU opens group nodes by this very path.
 */
export async function findHolders(host: Host, nodes: readonly string[]): Promise<readonly Holder[]> {
  const holders: Holder[] = [];
  for (const pid of listPids(host)) {
    if (!holdsOneOf(host, pid, nodes)) continue;
    const uid = readUid(host, pid);
    const startTime = readStartTime(host, pid);
    if (uid === undefined || startTime === undefined) continue;
    const vm = vmName(readCommandLine(host, pid));
    holders.push({
      pid,
      startTime,
      uid,
      user: (await findUser(host, uid))?.name ?? String(uid),
      command: readProc(host, pid, "comm")?.trim() ?? "?",
      ...(vm === undefined ? {} : { vm }),
    });
  }
  return holders;
}

function holdsOneOf(host: Host, pid: number, nodes: readonly string[]): boolean {
  try {
    const open = host.list(`/proc/${pid}/fd`) ?? [];
    return open.some((fd) => nodes.includes(host.readLink(`/proc/${pid}/fd/${fd}`) ?? ""));
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return false; // another user's process
    throw error;
  }
}

/**
 * Makes sure that no process has the group's node open. Needs: root, to see everyone's.
 *
 * @throws {HostdevError} `HD_GROUP_HELD`, naming the holders.
 */
export async function assertNotHeld(host: Host, group: number): Promise<void> {
  const node = groupNode(group);
  const holders = await findHolders(host, [node]);
  if (holders.length === 0) return;
  const who = holders.map(describeHolder).join(", ");
  throw new HostdevError("HD_GROUP_HELD", `IOMMU group ${group} is in use: ${node} is open in ${who}`, {
    group,
    node,
    holders: holders.map(({ pid, user, command, vm }) => ({ pid, user, command, ...(vm === undefined ? {} : { vm }) })),
  });
}

/** The name that a QEMU was given: `-name NAME` or `-name guest=NAME,...`. */
export function vmName(commandLine: readonly string[]): string | undefined {
  const value = commandLine[commandLine.indexOf("-name") + 1];
  if (!commandLine.includes("-name") || value === undefined) return undefined;
  // In QEMU's option syntax a comma inside a value is doubled.
  const first = /^((?:[^,]|,,)*)/.exec(value)?.[1]?.replaceAll(",,", ",") ?? value;
  return first.replace(/^guest=/, "");
}

/** One holder in words: `process 812 of alex (VM "nic-guest")`. The names are the user's: a terminal must not obey them. */
export function describeHolder({ pid, user, command, vm }: HolderDetails): string {
  return `process ${pid} of ${user} (${printable(vm === undefined ? command : `VM "${vm}"`)})`;
}
