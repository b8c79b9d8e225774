// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError, isHostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { printable } from "../../core/printable.ts";
import type { Grant } from "../../grants/grant.ts";
import { readRecords } from "../../grants/store.ts";
import { readFunctionDetails } from "../../pci/device-details.ts";
import { findFunction } from "../../pci/enumerate.ts";
import { explainGroup } from "../../pci/explain-group.ts";
import { readIommuGroup } from "../../pci/iommu-group.ts";
import { readBinding } from "../../vfio/binding.ts";
import { describeHolder, findHolders } from "../../vfio/holders.ts";
import { groupNode } from "../../vfio/nodes.ts";
import { isBlockingDriver } from "../../vfio/viability.ts";
import { type Context, printJson } from "../context.ts";
import { describeDevice, type InventoryItem, readInventory } from "../inventory.ts";
import { toJsonItem } from "../json-item.ts";
import { type Fact, showFacts } from "../show-facts.ts";
import { paint } from "../table.ts";

/** `hostdev show DEV`. */
export function showVerb(program: Command, context: Context): void {
  program
    .command("show")
    .summary("show everything about one device and its group")
    .description(
      "Shows one PCI function: driver, use by the host, its IOMMU group and why that is one, who has it, how it can be " +
        "reset, SR-IOV, BARs, link, power. Root sees more: capabilities, ACS, vital product data, all holders.",
    )
    .argument("<device>", "PCI address, or a name such as enp1s0 or nvme0n1")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  hostdev show 01:00.0\n  hostdev show nvme0n1 --json")
    .action((device: string, options: { json?: true }) => run(context, device, options.json === true));
}

async function run({ host, output }: Context, device: string, isJson: boolean): Promise<void> {
  const { address, group: number } = findFunction(host, device);
  const { items } = await readInventory(host);
  const item = items.find((candidate) => candidate.function.address === address);
  const details = readFunctionDetails(host, address);
  if (item === undefined || details === undefined) {
    throw new HostdevError("HD_DEVICE_NOT_FOUND", `${address} has just been taken out`, { device: address });
  }
  const group = number === null ? undefined : readIommuGroup(host, number);
  const explanation = group && explainGroup(host, group);
  const holders = number === null ? [] : await findHolders(host, [groupNode(number)]);
  const { grant, problem } = readGrant(host, address);
  const { override: driverOverride } = readBinding(host, address);
  if (isJson) {
    const { function: _, ...rest } = details;
    return printJson(output, {
      version: 1,
      device: { ...toJsonItem(item), driverOverride, ...rest },
      group: group && {
        number,
        members: items.filter((other) => other.function.group === number).map(toJsonItem),
        explanation,
      },
      holders,
      grant: grant ?? null,
      ...(problem !== undefined && { grantProblem: problem }),
    });
  }
  output.print(`${paint(output, "bold", `${address}  ${describeDevice(item.function, item.names)}`)}\n`);
  const facts: readonly Fact[] = [
    ...showFacts(item, details, driverOverride),
    ["lent", problem ?? grantText(grant, address)],
    ["open in", holders.map(describeHolder).join(", ") || (host.self.uid === 0 ? "no process" : "no process of yours")],
  ];
  for (const [name, text] of facts) output.print(`  ${name.padEnd(14)}${printable(text)}\n`);
  if (group === undefined || explanation === undefined) return;
  output.print(`\n${paint(output, "bold", `IOMMU group ${group.number}`)}\n`);
  for (const member of items.filter((other) => other.function.group === number)) {
    const { function: device, names } = member;
    const own = device.address === address ? "this device, " : "";
    output.print(
      `${printable(`  ${device.address}  ${describeDevice(device, names)}: ${own}${roleOf(member, grant)}`)}\n`,
    );
  }
  output.print(`\n${paint(output, "bold", "Why grouped")}\n  ${printable(explanation.text)}\n`);
  if (host.self.uid !== 0) {
    const acs = explanation.unread.length === 0 ? "" : `the ACS bits of ${explanation.unread.join(", ")}, `;
    output.print(`  Root also sees ${acs}capabilities, product data, all holders: sudo hostdev show ${address}\n`);
  }
}

function grantText(grant: Grant | undefined, address: string): string {
  if (grant === undefined) return "no";
  const { user, grantedAt, grantedBy } = grant;
  const isHeld = grant.endpoints.some((endpoint) => endpoint.address === address && endpoint.role === "hold");
  const what = isHeld ? `no, but held for the grant of ${grant.id} to ${user.name}` : `to ${user.name}`;
  return `${what}, since ${grantedAt}, by ${grantedBy}`;
}

/** What becomes, or would become, of a member when its group is lent. */
function roleOf({ function: device, verdict, verdictText }: InventoryItem, grant: Grant | undefined): string {
  const role = grant?.endpoints.find((endpoint) => endpoint.address === device.address)?.role;
  if (role !== undefined) return role === "give" ? `given to ${grant?.user.name}` : "held, out of everyone's reach";
  if (device.isBridge) return "bridge, stays with the host";
  if (verdict.kind === "in-use") return verdictText;
  if (!isBlockingDriver(device.driver)) return device.driver === null ? "no driver" : `on ${device.driver}`;
  return `the host's (${device.driver}) until the group is lent`;
}

/** The grant on a function; `problem` instead where a record cannot be read: that must not hide the device. */
function readGrant(host: Host, address: string): { readonly grant?: Grant; readonly problem?: string } {
  try {
    const record = readRecords(host).find(({ grant }) => grant.endpoints.some((own) => own.address === address));
    return record === undefined ? {} : { grant: record.grant };
  } catch (error) {
    if (isHostdevError(error)) return { problem: error.message };
    throw error;
  }
}
