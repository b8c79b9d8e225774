// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { type Context, printJson } from "../context.ts";
import { describeDevice, type InventoryItem, readInventory } from "../inventory.ts";
import { toJsonItem } from "../json-item.ts";
import { paint } from "../table.ts";

/** `hostdev groups`. */
export function groupsVerb(program: Command, context: Context): void {
  program
    .command("groups")
    .summary("list the IOMMU groups with their members")
    .description("Lists the IOMMU groups: what can only be lent together. `hostdev show DEV` says why a group is one.")
    .argument("[number]", "only this group")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  hostdev groups\n  hostdev groups 13 --json")
    .action((number: string | undefined, options: { json?: true }) => run(context, number, options.json === true));
}

async function run({ host, output }: Context, number: string | undefined, isJson: boolean): Promise<void> {
  const { items } = await readInventory(host);
  const groups = new Map<number, InventoryItem[]>();
  for (const item of items) {
    const { group } = item.function;
    if (group !== null && (number === undefined || String(group) === number)) {
      groups.set(group, [...(groups.get(group) ?? []), item]);
    }
  }
  const sorted = [...groups].sort(([a], [b]) => a - b);
  if (isJson) {
    const list = sorted.map(([group, members]) => ({ number: group, members: members.map(toJsonItem) }));
    return printJson(output, { version: 1, groups: list });
  }
  if (sorted.length === 0) {
    return output.print(
      number === undefined ? "This machine has no IOMMU groups.\n" : `There is no IOMMU group ${number}.\n`,
    );
  }
  for (const [group, members] of sorted) {
    const owner = members[0]?.nodeOwner;
    const node = owner === null || owner === undefined ? "" : ` (/dev/vfio/${group} belongs to ${owner})`;
    output.print(`${paint(output, "bold", `group ${group}`)}${node}\n`);
    for (const { function: device, names, verdictText } of members) {
      output.print(
        `  ${device.address}  ${describeDevice(device, names)}, driver ${device.driver ?? "none"}: ${verdictText}\n`,
      );
    }
  }
}
