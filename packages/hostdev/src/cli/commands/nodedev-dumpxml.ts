// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { listNodeDevices } from "../../nodedev/list-node-devices.ts";
import { findNodeDevices, formatNodeDevice, readNodeDevice } from "../../nodedev/node-device.ts";
import { readPciNames } from "../../pci/names.ts";
import type { Context } from "../context.ts";

const examples = `
Examples:
  hostdev nodedev-dumpxml pci_0000_01_00_0
  hostdev nodedev-dumpxml 01:00.0 net_enp1s0_52_54_00_12_34_56`;

/** `hostdev nodedev-dumpxml`. */
export function nodedevDumpxmlVerb(program: Command, context: Context): void {
  program
    .command("nodedev-dumpxml")
    .argument("<name...>", "as in hostdev nodedev-list, or a PCI address")
    .summary("print a device's description as libvirt's XML")
    .description(
      "Prints what virsh nodedev-dumpxml does, without libvirt. To users libvirt shows less than they may see: which " +
        "functions are bridges, and PCI Express links. These are shown, unless --strict-libvirt is given.",
    )
    .option("--strict-libvirt", "only what libvirt shows to this user")
    .addHelpText("after", examples)
    .action((names: readonly string[], options: { readonly strictLibvirt?: true }) => run(context, names, options));
}

async function run(
  { host, output }: Context,
  wanted: readonly string[],
  { strictLibvirt = false }: { readonly strictLibvirt?: boolean },
): Promise<void> {
  const found = findNodeDevices(listNodeDevices(host), wanted);
  const options = { strictLibvirt, ...(found.some(({ type }) => type === "pci") && { names: readPciNames(host) }) };
  for (const listed of found) output.print(formatNodeDevice(await readNodeDevice(listed, options)));
}
