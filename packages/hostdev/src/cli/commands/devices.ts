// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { isHostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { readBinding } from "../../vfio/binding.ts";
import { type Context, type Output, printJson } from "../context.ts";
import { deviceCell, verdictCell } from "../device-cells.ts";
import { addFilterOptions, type FilterOptions, filterOf } from "../device-filter.ts";
import { type InventoryItem, readInventory, warnOfUnreadable } from "../inventory.ts";
import { toJsonItem } from "../json-item.ts";
import { type Column, formatTable } from "../table.ts";

interface DevicesOptions extends FilterOptions {
  readonly long?: true;
  readonly json?: true;
}

const examples = `
Examples:
  hostdev devices
  hostdev devices --grantable
  hostdev devices --class network --driver e1000e
  hostdev devices --long --group 13
  hostdev devices --json | jq '.devices[] | select(.verdict == "ready") | .address'`;

/** `hostdev devices`. */
export function devicesVerb(program: Command, context: Context): void {
  const command = program
    .command("devices")
    .summary("list the machine's PCI devices, and which could be lent")
    .description(
      "Lists all PCI functions by IOMMU group: driver, what the host calls them and uses them for, and a verdict: " +
        "ready (lent to you), grantable, in use by host, blocked by another device of its group, held, lent, bridge. " +
        "On a terminal lines are fitted to its width; in a file or pipe they are whole.",
    );
  addFilterOptions(command)
    .option("--group <number>", "only this IOMMU group")
    .option("--long", "with driver override, NUMA node, owner of the group's node, and all uses; nothing is cut")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((options: DevicesOptions) => run(context, options));
}

async function run({ host, output }: Context, options: DevicesOptions): Promise<void> {
  const wanted = filterOf(options);
  const { items, unread, unreadable } = await readInventory(host);
  const found = items.filter(wanted);
  const overrideOf = options.long === undefined ? undefined : readOverrides(host, found);
  if (options.json) {
    const devices = found.map((item) => ({
      ...toJsonItem(item),
      ...(overrideOf && { driverOverride: overrideOf(item) }),
    }));
    return printJson(output, { version: 1, devices, unread, unreadable });
  }
  warnOfUnreadable(output, unreadable);
  if (found.length === 0) return output.print("No device matches.\n");
  const byGroup = [...found].sort((a, b) => groupOrder(a) - groupOrder(b));
  if (overrideOf === undefined) return printShort(output, byGroup);
  printLong(output, byGroup, overrideOf);
}

const groupOrder = ({ function: { group } }: InventoryItem) => group ?? Number.MAX_SAFE_INTEGER;
const groupOf = ({ function: { group } }: InventoryItem) => (group === null ? "-" : String(group));

const short: readonly Column[] = [
  "GROUP",
  "ADDRESS",
  { title: "DRIVER", least: 8 },
  { title: "HOST NAME", least: 9 },
  { title: "VERDICT", least: 24 },
  { title: "DEVICE", least: 12 },
];

function printShort(output: Output, items: readonly InventoryItem[]): void {
  const rows = items.map((item) => {
    const { address, driver, hostNames } = item.function;
    const verdict = verdictCell(item);
    return [groupOf(item), address, driver ?? "-", hostNames.join(" ") || "-", verdict, deviceCell(item, output.width)];
  });
  output.print(formatTable(output, short, rows));
}

const long = [
  ...["GROUP", "ADDRESS", "DRIVER", "OVERRIDE", "NUMA", "HOST NAME", "NODE OF", "VERDICT", "DEVICE", "USED FOR"],
] as const;

type OverrideOf = (item: InventoryItem) => string | null;

function printLong(output: Output, items: readonly InventoryItem[], overrideOf: OverrideOf): void {
  const rows = items.map((item) => {
    const { address, driver, hostNames, numaNode } = item.function;
    const names = [driver ?? "-", overrideOf(item) ?? "-", String(numaNode ?? "-"), hostNames.join(" ") || "-"];
    const uses = item.uses.map(({ path }) => path).join("; ") || "-";
    return [
      groupOf(item),
      address,
      ...names,
      item.nodeOwner ?? "-",
      verdictCell(item),
      deviceCell(item, undefined),
      uses,
    ];
  });
  output.print(formatTable({ ...output, width: undefined }, long, rows));
}

/** Only on demand: reading an override may take the device's lock, and hang for as long as an unbind hangs. */
function readOverrides(host: Host, items: readonly InventoryItem[]): OverrideOf {
  const overrides = new Map(items.map(({ function: { address } }) => [address, readOverride(host, address)] as const));
  return (item) => overrides.get(item.function.address) ?? null;
}

function readOverride(host: Host, address: string): string | null {
  try {
    return readBinding(host, address).override;
  } catch (error) {
    if (isHostdevError(error, "HD_DEVICE_NOT_FOUND")) return null; // it vanished meanwhile
    throw error;
  }
}
