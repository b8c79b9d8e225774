// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError } from "../../core/errors.ts";
import { readDomain } from "../../domain/parse.ts";
import { describe, findLike, readDevice } from "../../session/hotplug/device-xml.ts";
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
Exit status: 8 when the guest has not let the device go yet; it may do so later.

Examples:
  hostdev detach vm 01:00.0
  hostdev detach vm disk.xml --live --config`;

/** `hostdev detach VM DEVICE`. */
export function detachVerb(program: Command, context: Context): void {
  const command = domainCommand(
    program,
    "detach",
    "take a device out of a VM",
    "Takes a disk, network interface or device of the host out of a VM. A running guest is asked, and may refuse.",
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
  await withDomain(context, options, vm, async (client, domain) => {
    await client.call("domainDetachDeviceFlags", { domain, xml, flags });
    if (domain.id === -1 || flags === 2) return;
    // The protocol's answer is the same for "it is out" and "the guest was asked".
    const live = await client.call("domainGetXmlDesc", { domain, flags: 0 });
    const asked = readDevice(xml);
    if (findLike(readDomain(live.xml), asked) === undefined) return;
    const message = `The guest of VM "${domain.name}" was asked to let ${describe(asked)} go, and has not done so yet`;
    throw new HostdevError("HD_TIMEOUT", message, { what: describe(asked), timeoutMs: 5000 });
  });
  context.output.warn(`hostdev: VM "${vm}" has the device no more\n`);
}
