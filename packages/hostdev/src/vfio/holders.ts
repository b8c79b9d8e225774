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
import { iommuGroups } from "../pci/sysfs.ts";
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

/** Who has a group, as far as can be seen. */
export interface GroupHolders {
  readonly holders: readonly Holder[];
  /**
   * Whether anybody has it, seen or not: who closes the group's node and keeps the device's file or a mapping, or has
   * sent the descriptor on its way to another process, is not to be found in `/proc`; the kernel still knows.
   */
  readonly isHeld: boolean;
}

/** The nodes of the group's devices that kernels with iommufd have besides; who has one has the group. */
function deviceNodes(host: Host, group: number): readonly string[] {
  const folder = `${iommuGroups}/${group}/devices`;
  const names = (host.list(folder) ?? []).flatMap((address) => host.list(`${folder}/${address}/vfio-dev`) ?? []);
  return names.map((name) => `/dev/vfio/devices/${name}`);
}

/**
 * Finds out who has a group, asking the kernel too: the node can be opened once only.
 *
 * Touches: reads `/proc/<pid>/fd`; opens the node and closes it when nobody is seen to have it. Needs: root.
 */
export async function findGroupHolders(host: Host, group: number): Promise<GroupHolders> {
  const node = groupNode(group);
  const holders = await findHolders(host, [node, ...deviceNodes(host, group)]);
  return { holders, isHeld: holders.length > 0 || host.tryOpen(node) === "EBUSY" };
}

/**
 * Makes sure that no process has the group's node open. Needs: root, to see everyone's.
 *
 * @throws {HostdevError} `HD_GROUP_HELD`, naming the holders.
 */
export async function assertNotHeld(host: Host, group: number): Promise<void> {
  const found = await findGroupHolders(host, group);
  if (found.isHeld) throw heldError(group, found.holders);
}

/** The error that says who has a group; nobody: one who is not to be seen in `/proc`. */
export function heldError(group: number, holders: readonly Holder[]): HostdevError<"HD_GROUP_HELD"> {
  const node = groupNode(group);
  const who = holders.map(describeHolder).join(", ");
  const state =
    who === "" ? "somebody has a device of it open, though no process shows it" : `${node} is open in ${who}`;
  return new HostdevError("HD_GROUP_HELD", `IOMMU group ${group} is in use: ${state}`, {
    group,
    node,
    holders: holders.map(({ uid: _, ...holder }) => holder),
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
