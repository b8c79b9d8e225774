// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { deviceXml } from "../domain/device-argument.ts";
import {
  type ConnectOptions,
  domainCommand,
  type ImpactOptions,
  impactFlags,
  withDomain,
  withImpact,
} from "../domain/domain-verb.ts";

const examples = `
Examples:
  hostdev attach vm 01:00.0             a PCI device that is lent to you, into the running guest
  hostdev attach vm disk.xml --config   what the file describes, at the next start
  hostdev attach vm nic.xml --live --config`;

/** `hostdev attach VM DEVICE`. */
export function attachVerb(program: Command, context: Context): void {
  const command = domainCommand(
    program,
    "attach",
    "plug a device into a VM",
    "Gives a VM one more disk, network interface or device of the host. A running guest needs a free port for it.",
  ).argument("<device>", "a file with the device's XML, - for standard input; or the PCI address of a device");
  withImpact(command)
    .addHelpText("after", examples)
    .action((vm: string, device: string, options: ConnectOptions & ImpactOptions) => run(context, vm, device, options));
}

async function run(
  context: Context,
  vm: string,
  device: string,
  options: ConnectOptions & ImpactOptions,
): Promise<void> {
  const xml = deviceXml(context.host, device);
  const flags = impactFlags(options);
  await withDomain(context, options, vm, (client, domain) =>
    client.call("domainAttachDeviceFlags", { domain, xml, flags }),
  );
  context.output.warn(`hostdev: VM "${vm}" has the device\n`);
}
