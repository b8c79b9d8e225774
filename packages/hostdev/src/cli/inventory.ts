// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/printable.ts";
import { readQuarantines } from "../grants/quarantine.ts";
import { enumerateFunctions, findUnreadable } from "../pci/enumerate.ts";
import type { IommuGroup } from "../pci/iommu-group.ts";
import { type FunctionNames, readPciNames } from "../pci/names.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { readUsage } from "../usage/read-usage.ts";
import type { Use } from "../usage/use.ts";
import { groupNode } from "../vfio/nodes.ts";
import { describeVerdict, judge, type Verdict } from "../vfio/verdict.ts";
import type { Output } from "./context.ts";
import { readUserNames } from "./user-names.ts";

/** One function with everything that a list says of it. */
export interface InventoryItem {
  readonly function: PciFunction;
  readonly names: FunctionNames;
  readonly uses: readonly Use[];
  readonly verdict: Verdict;
  readonly verdictText: string;
  /** Who owns the group's node; `null` when there is none. */
  readonly nodeOwner: string | null;
}

export interface Inventory {
  readonly items: readonly InventoryItem[];
  /** Files that the caller may not read, and that could have told more uses. */
  readonly unread: readonly string[];
  /** Functions that are there, but of which nothing can be read: they are not among the items. */
  readonly unreadable: readonly string[];
}

/**
 * Reads all functions, what the host uses them for, and whether each could be lent, as the caller sees it.
 *
 * Touches: reads sysfs, proc, pci.ids. Needs: nothing; root sees more uses.
 */
export async function readInventory(host: Host): Promise<Inventory> {
  const functions = enumerateFunctions(host);
  const groups = groupFunctions(functions);
  const { uses, unread } = readUsage(host, functions);
  const names = readPciNames(host);
  const nodes = new Map([...groups.keys()].map((number) => [number, host.status(groupNode(number))]));
  const owners = [...nodes.values()].flatMap((node) => (node === undefined ? [] : [node.uid]));
  const quarantined = readQuarantineReasons(host);
  const userName = await readUserNames(host, owners);
  const items = functions.map((device) => {
    const own = uses.filter((use) => use.address === device.address);
    const node = device.group === null ? undefined : nodes.get(device.group);
    const verdict = judge({
      device,
      group: device.group === null ? undefined : groups.get(device.group),
      nodeUid: node?.uid,
      isNodeMine: host.self.uid !== 0 && device.group !== null && host.canAccess(groupNode(device.group), "read-write"),
      use: own[0]?.path,
      quarantine: quarantined.get(device.address),
    });
    return {
      function: device,
      names: names.of(device),
      uses: own,
      verdict,
      verdictText: printable(describeVerdict(verdict, userName)),
      nodeOwner: node === undefined ? null : userName(node.uid),
    };
  });
  return { items, unread, unreadable: findUnreadable(host, functions) };
}

/** Says on standard error which functions a list lacks; a list that is silently incomplete would be believed. */
export function warnOfUnreadable({ warn }: Output, unreadable: readonly string[]): void {
  if (unreadable.length > 0) warn(`hostdev: not in the list, since sysfs cannot be read: ${unreadable.join(", ")}\n`);
}

/** Why which device is in quarantine. What cannot be read there is told by `doctor`, and keeps no list from showing. */
function readQuarantineReasons(host: Host): ReadonlyMap<string, string> {
  try {
    return new Map(readQuarantines(host).map(({ address, reason }) => [address, reason]));
  } catch (error) {
    if (isHostdevError(error)) return new Map();
    throw error;
  }
}

/** The groups that these functions make, without reading sysfs again. */
function groupFunctions(functions: readonly PciFunction[]): ReadonlyMap<number, IommuGroup> {
  const members = new Map<number, PciFunction[]>();
  for (const device of functions) {
    if (device.group === null) continue;
    const group = members.get(device.group) ?? [];
    group.push(device);
    members.set(device.group, group);
  }
  return new Map([...members].map(([number, list]) => [number, { number, members: list }]));
}

/** `Intel Corporation 82574L Gigabit Network Connection`, or `[8086:10d3]` where no names are installed. */
export function describeDevice(device: PciFunction, names: FunctionNames): string {
  const hex = (id: number) => id.toString(16).padStart(4, "0");
  const ids = `[${hex(device.vendorId)}:${hex(device.deviceId)}]`;
  if (names.vendor === null) return ids;
  return `${names.vendor} ${names.device ?? "device"} ${ids}`;
}
