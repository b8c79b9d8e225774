// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Host } from "../../core/host.ts";
import { readRecords } from "../../grants/store.ts";
import { readFunctionDetails } from "../../pci/device-details.ts";
import { findFunction } from "../../pci/enumerate.ts";
import { explainGroup } from "../../pci/explain-group.ts";
import { readIommuGroup } from "../../pci/iommu-group.ts";
import { readBinding } from "../../vfio/binding.ts";
import { describeHolder, findHolders } from "../../vfio/holders.ts";
import { groupNode } from "../../vfio/nodes.ts";
import { type Context, printJson } from "../context.ts";
import { describeDevice, readInventory } from "../inventory.ts";
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
  if (item === undefined || details === undefined) return; // pulled out just now
  const group = number === null ? undefined : readIommuGroup(host, number);
  const explanation = group && explainGroup(host, group);
  const holders = number === null ? [] : await findHolders(host, [groupNode(number)]);
  const grant = readGrant(host, address);
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
    });
  }
  output.print(`${paint(output, "bold", `${address}  ${describeDevice(item.function, item.names)}`)}\n`);
  const facts: readonly Fact[] = [
    ...showFacts(item, details, driverOverride),
    ["lent", grant === undefined ? "no" : `to ${grant.user.name} since ${grant.grantedAt}`],
    ["open in", holders.map(describeHolder).join(", ") || (host.self.uid === 0 ? "no process" : "no process of yours")],
  ];
  for (const [name, text] of facts) output.print(`  ${name.padEnd(14)}${text}\n`);
  if (group === undefined || explanation === undefined) return;
  output.print(`\n${paint(output, "bold", `IOMMU group ${group.number}`)}\n`);
  for (const member of items.filter((other) => other.function.group === number)) {
    const role = member.function.address === address ? "this device" : member.verdictText;
    output.print(`  ${member.function.address}  ${describeDevice(member.function, member.names)}: ${role}\n`);
  }
  output.print(`\n${paint(output, "bold", "Why grouped")}\n  ${explanation.text}\n`);
  if (explanation.unread.length > 0) {
    output.print(
      `  As root the ACS bits of ${explanation.unread.join(", ")} can be read too: sudo hostdev show ${address}\n`,
    );
  }
}

function readGrant(host: Host, address: string) {
  return readRecords(host).find(({ grant }) => grant.endpoints.some((endpoint) => endpoint.address === address))?.grant;
}
