// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from "commander";
import { HostdevError } from "../../core/errors.ts";
import { type CapabilityName, capabilityNames } from "../../nodedev/capability-kind.ts";
import { formatTree } from "../../nodedev/format-tree.ts";
import { capabilitiesOf, type ListedNodeDevice, listNodeDevices } from "../../nodedev/list-node-devices.ts";
import { type Context, printJson } from "../context.ts";

interface NodedevListOptions {
  readonly cap?: string;
  readonly tree?: true;
  readonly json?: true;
}

const examples = `
Examples:
  hostdev nodedev-list --cap pci,net
  hostdev nodedev-list --tree`;

/** `hostdev nodedev-list`. */
export function nodedevListVerb(program: Command, context: Context): void {
  program
    .command("nodedev-list")
    .summary("list the machine's devices under libvirt's names")
    .description("Lists what virsh nodedev-list does, with the same names and in the same order, without libvirt.")
    .option("--cap <names>", "only devices with one of these capabilities: pci, net, storage, usb_device ...")
    .addOption(new Option("--tree", "below their parents").conflicts(["cap", "json"]))
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((options: NodedevListOptions) => run(context, options));
}

function run({ host, output }: Context, { cap, tree, json }: NodedevListOptions): void {
  const isWanted = filterOf(cap);
  const devices = listNodeDevices(host);
  if (tree) return output.print(formatTree(devices));
  const found = devices.filter(isWanted);
  if (!json) return output.print(found.map(({ name }) => `${name}\n`).join(""));
  const items = found.map((device) => ({
    name: device.name,
    parent: device.parent,
    capabilities: capabilitiesOf(device),
  }));
  printJson(output, { version: 1, devices: items });
}

/** Names that some device's first capability has; the others take a look into each device. */
const further: readonly CapabilityName[] = ["fc_host", "vports", "mdev_types", "vpd"];

/** @throws {HostdevError} `HD_INVALID_ARGUMENT` for a name that libvirt hasn't. */
function filterOf(cap: string | undefined): (device: ListedNodeDevice) => boolean {
  if (cap === undefined) return () => true;
  const wanted = new Set<CapabilityName>(cap.split(",").map(parseCapability));
  const looksInside = further.some((name) => wanted.has(name));
  return (device) =>
    wanted.has(device.type) || (looksInside && capabilitiesOf(device).some((capability) => wanted.has(capability)));
}

function parseCapability(text: string): CapabilityName {
  const found = capabilityNames.find((name) => name === text);
  if (found !== undefined) return found;
  const details = { argument: "--cap", value: text, expected: `names out of ${capabilityNames.join(", ")}` };
  throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${JSON.stringify(text)} as --cap`, details);
}
