// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError } from "../../core/errors.ts";
import { type Context, printJson } from "../context.ts";
import { describeDevice, type InventoryItem, readInventory } from "../inventory.ts";
import { toJsonItem } from "../json-item.ts";
import { type Cell, formatTable, type Style } from "../table.ts";

interface DevicesOptions {
  readonly class?: string;
  readonly driver?: string;
  readonly group?: string;
  readonly grantable?: true;
  readonly json?: true;
}

const examples = `
Examples:
  hostdev devices
  hostdev devices --grantable
  hostdev devices --class network --driver e1000e
  hostdev devices --json | jq '.devices[] | select(.verdict == "ready") | .address'`;

/** `hostdev devices`. */
export function devicesVerb(program: Command, context: Context): void {
  program
    .command("devices")
    .summary("list the machine's PCI devices, and which could be lent")
    .description(
      "Lists all PCI functions by IOMMU group: driver, what the host calls them and uses them for, and a verdict: " +
        "ready (lent to you), grantable, in use by host, blocked by another device of its group, held, lent, bridge.",
    )
    .option("--class <text>", "only where the class has this code (0200) or its name this text")
    .option("--driver <name>", 'only what this driver is bound to; "none" for no driver')
    .option("--group <number>", "only this IOMMU group")
    .option("--grantable", "only what can be lent now, or is lent to you")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((options: DevicesOptions) => run(context, options));
}

async function run({ host, output }: Context, options: DevicesOptions): Promise<void> {
  const wanted = filterOf(options);
  const { items, unread } = await readInventory(host);
  const found = items.filter(wanted);
  if (options.json) return printJson(output, { version: 1, devices: found.map(toJsonItem), unread });
  if (found.length === 0) return output.print("No device matches.\n");
  const byGroup = [...found].sort((a, b) => groupOrder(a) - groupOrder(b));
  output.print(formatTable(output, ["GROUP", "ADDRESS", "DRIVER", "HOST NAME", "VERDICT", "DEVICE"], byGroup.map(row)));
}

const groupOrder = ({ function: { group } }: InventoryItem) => group ?? Number.MAX_SAFE_INTEGER;

function row(item: InventoryItem): readonly Cell[] {
  const { function: device, verdict, verdictText } = item;
  const text = verdictText.length > 48 ? `${verdictText.slice(0, 47)}…` : verdictText;
  return [
    device.group === null ? "-" : String(device.group),
    device.address,
    device.driver ?? "-",
    device.hostNames.join(" ") || "-",
    { text, style: styles[verdict.kind] },
    `${item.names.class ?? device.classCode.toString(16).padStart(6, "0")}: ${describeDevice(device, item.names)}`,
  ];
}

const styles: Readonly<Record<InventoryItem["verdict"]["kind"], Style>> = {
  ready: "green",
  grantable: "cyan",
  lent: "blue",
  prepared: "blue",
  held: "magenta",
  quarantined: "red",
  "in-use": "yellow",
  blocked: "yellow",
  bridge: "dim",
  platform: "dim",
  "no-group": "dim",
};

/** @throws {HostdevError} `HD_INVALID_ARGUMENT` for a group that is no number. */
function filterOf(options: DevicesOptions): (item: InventoryItem) => boolean {
  const { class: classText, driver, group, grantable } = options;
  if (group !== undefined && !/^\d+$/.test(group)) {
    const details = {
      argument: "--group",
      value: group,
      expected: "a number, as in the first column of hostdev devices",
    };
    throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${JSON.stringify(group)} as --group`, details);
  }
  return ({ function: device, names, verdict }) => {
    const code = device.classCode.toString(16).padStart(6, "0");
    const className = names.class?.toLowerCase() ?? "";
    return (
      (classText === undefined || code.startsWith(classText) || className.includes(classText.toLowerCase())) &&
      (driver === undefined || (device.driver ?? "none") === driver) &&
      (group === undefined || device.group === Number(group)) &&
      (grantable === undefined || verdict.kind === "grantable" || verdict.kind === "ready")
    );
  };
}
