// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { findBlockers } from "../../vfio/viability.ts";
import { type Context, printJson } from "../context.ts";
import { deviceCell, verdictCell } from "../device-cells.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "../device-filter.ts";
import { type InventoryItem, readInventory, warnOfUnreadable } from "../inventory.ts";
import { toJsonItem } from "../json-item.ts";
import { type Column, formatTable, paint } from "../table.ts";

type GroupsOptions = Omit<FilterOptions, "group"> & { readonly json?: true };

const examples = `
Examples:
  hostdev groups
  hostdev groups 13 --json
  hostdev groups --class network`;

/** `hostdev groups`. */
export function groupsVerb(program: Command, context: Context): void {
  const command = program
    .command("groups")
    .summary("list the IOMMU groups with their members")
    .description(
      "Lists the IOMMU groups: what can only be lent together. With a filter, the groups that have such a member, " +
        "with all their members. `hostdev show DEV` says why a group is one.",
    )
    .argument("[number]", "only this group");
  addFilterOptions(command)
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((number: string | undefined, options: GroupsOptions) => run(context, number, options));
}

async function run({ host, output }: Context, number: string | undefined, options: GroupsOptions): Promise<void> {
  const wanted = filterOf({ ...options, ...(number !== undefined && { group: number }) });
  const { items, unreadable } = await readInventory(host);
  const groups = new Map<number, InventoryItem[]>();
  for (const item of items) {
    const { group } = item.function;
    if (group === null) continue;
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [item]);
    else members.push(item);
  }
  const sorted = [...groups].filter(([, members]) => members.some(wanted)).sort(([a], [b]) => a - b);
  if (options.json) {
    const list = sorted.map(([group, members]) => ({ number: group, members: members.map(toJsonItem) }));
    return printJson(output, { version: 1, groups: list });
  }
  warnOfUnreadable(output, unreadable);
  if (groups.size === 0) return output.print("This machine has no IOMMU groups.\n");
  if (sorted.length === 0) {
    const isOnlyNumber = number !== undefined && !groups.has(Number(number));
    return output.print(isOnlyNumber ? `There is no IOMMU group ${number}.\n` : "No group matches.\n");
  }
  // One table for all, so that the columns of all groups are aligned; its lines are dealt out to the groups.
  const rows = sorted.flatMap(([, members]) => members).map((item) => rowOf(item, output.width));
  const [, ...lines] = formatTable(output, columns, rows, "  ").split("\n");
  let at = 0;
  for (const [group, members] of sorted) {
    output.print(`${paint(output, "bold", `group ${group}`)}${describeGroup(group, members)}\n`);
    for (const line of lines.slice(at, at + members.length)) output.print(`${line}\n`);
    at += members.length;
  }
}

const columns: readonly Column[] = [
  "ADDRESS",
  { title: "DRIVER", least: 8 },
  { title: "HOST NAME", least: 9 },
  { title: "VERDICT", least: 24 },
  { title: "DEVICE", least: 12 },
];

function rowOf(item: InventoryItem, width: number | undefined) {
  const { address, driver, hostNames } = item.function;
  return [address, driver ?? "-", hostNames.join(" ") || "-", verdictCell(item), deviceCell(item, width)];
}

/** What holds of the group as a whole: who has its node, and what keeps it from being viable. */
function describeGroup(number: number, members: readonly InventoryItem[]): string {
  const owner = members[0]?.nodeOwner ?? null;
  const blockers = findBlockers({ number, members: members.map((member) => member.function) });
  const endpoints = members.filter((member) => !member.function.isBridge).length;
  const facts = [
    endpoints > 1 ? `${endpoints} devices that are lent or held together` : undefined,
    owner === null ? undefined : `/dev/vfio/${number} belongs to ${owner}`,
    owner !== null && blockers.length > 0
      ? `not viable: ${blockers.map(({ driver }) => driver).join(", ")}`
      : undefined,
  ];
  const told = facts.filter((fact) => fact !== undefined);
  return told.length === 0 ? "" : `: ${told.join("; ")}`;
}
