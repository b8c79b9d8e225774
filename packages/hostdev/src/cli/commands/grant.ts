// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { isHostdevError } from "../../core/errors.ts";
import { formatSize, parseSize } from "../../core/units.ts";
import type { Grant, GrantRequest } from "../../grants/grant.ts";
import { grantDevice, previewCreation, previewGrant } from "../../grants/grant-device.ts";
import { describeLease } from "../../grants/lease.ts";
import { isSetUp } from "../../grants/setup.ts";
import { describeStep } from "../../grants/step.ts";
import { isSystemdRunning } from "../../grants/systemd.ts";
import { formatPciAddress, parsePciAddress } from "../../pci/address.ts";
import { type Context, printJson } from "../context.ts";
import { addLeaseOptions, type LeaseOptions, parseLeaseOptions } from "../lease-options.ts";
import { onStep, onWarning, printPlan } from "../plan-output.ts";
import { untilSignal } from "../until-signal.ts";
import { printCreation, readVfOptions, warnOfSleepingPf } from "../vf-options.ts";

interface GrantOptions extends LeaseOptions {
  readonly to: string;
  readonly memory?: string;
  readonly leave?: string;
  readonly hold?: readonly string[];
  readonly holdMates?: true;
  readonly give?: readonly string[];
  readonly force?: readonly string[];
  readonly acceptNoReset?: true;
  readonly vf?: string;
  readonly createVfs?: string;
  readonly mac?: string;
  readonly vlan?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

const examples = `
Examples:
  hostdev-admin grant 01:00.0 --to alex --memory 4GiB --dry-run
  hostdev-admin grant 01:00.0 --to alex --memory 4GiB
  hostdev-admin grant enp4s0 --to alex --hold 04:02.0
  hostdev-admin grant 03:00.0 --to alex --give 03:00.1 --hold-mates
  hostdev-admin grant enp5s0 --to alex --create-vfs 4 --mac 52:54:00:12:34:56 --vlan 7
  hostdev-admin grant 01:00.0 --to alex --for 2h --on-expiry kill --note "driver course"
  hostdev-admin grant 01:00.0 --to alex --persistent --until 2030-12-24T18:00`;

/** `hostdev-admin grant DEV --to USER`. */
export function grantVerb(program: Command, context: Context): void {
  const command = program
    .command("grant")
    .summary("lend a device to a user")
    .description(
      "Lends a device, with its whole IOMMU group, to a user: binds it to vfio-pci, holds the other endpoints of the " +
        "group on pci-stub, raises the user's memlock limit, and gives him the group's node.",
    )
    .argument("<device>", "PCI address, or a name such as enp1s0 or nvme0n1")
    .requiredOption("--to <user>", "the user")
    .option("--memory <size>", "memory of the VM it is for (default: 4GiB, or half of what a smaller machine can lend)")
    .option("--leave <size>", "memory that all grants together leave to the host (default: 2GiB or 10 %, the larger)")
    .option("--hold <address>", "a device of the same group that the host may lose meanwhile (repeatable)", collect)
    .option("--hold-mates", "the host may lose all other devices of the group meanwhile")
    .option("--give <address>", "a further device of the group that the user may use, too (repeatable)", collect)
    .option("--vf <number>", "lend a virtual function of the device: its number, or `any` for the first that is free")
    .option("--create-vfs <count>", "make so many virtual functions if there are none; they go with the last grant")
    .option("--mac <address>", "hold the virtual function to this MAC address")
    .option("--vlan <id>", "hold the virtual function to this VLAN")
    .option("--accept-no-reset", "lend it although it cannot be reset, and take it back as the user leaves it")
    .option("--force <address>", "take this device although the host uses it (repeatable)", collect)
    .addHelpText("after", examples)
    .action((device: string, options: GrantOptions) => run(context, device, options));
  addLeaseOptions(command).option("--dry-run", "print the plan and change nothing").option("--json", "print JSON");
}

const normalize = (text: string) => formatPciAddress(parsePciAddress(text));

/** A default of no values would be shown as `[]` by --help. */
function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

async function run(context: Context, device: string, options: GrantOptions): Promise<void> {
  const { host, output } = context;
  const request: GrantRequest = {
    device,
    user: options.to,
    ...(options.memory === undefined ? {} : { memoryBytes: parseSize(options.memory, "--memory") }),
    ...(options.leave === undefined ? {} : { leaveBytes: parseSize(options.leave, "--leave") }),
    hold: (options.hold ?? []).map(normalize),
    holdMates: options.holdMates === true,
    give: (options.give ?? []).map(normalize),
    ...readVfOptions(options),
    acceptNoReset: options.acceptNoReset === true,
    force: (options.force ?? []).map(normalize),
    ...parseLeaseOptions(options, host.now()),
  };
  const progress = { onWarning: onWarning(output), ...(options.json ? {} : { onStep: onStep(output) }) };
  if (options.dryRun) {
    const creation = await previewCreation(host, request);
    if (creation !== undefined) return printCreation(output, creation, options.json === true);
    const { grant, steps, warnings } = await previewGrant(host, request);
    for (const warning of warnings) progress.onWarning(warning);
    if (options.json) return printJson(output, { version: 1, grant, steps });
    output.print(`${describeGrant(grant)}:\n`);
    return printPlan(output, steps.map(describeStep));
  }
  const grant = await untilSignal((signal) => grantDevice(host, request, { ...progress, signal })).catch((error) => {
    if (isHostdevError(error, "HD_INTERRUPTED")) output.warn("hostdev-admin: interrupted; everything is as it was\n");
    throw error;
  });
  if (options.json) return printJson(output, { version: 1, grant });
  warnOfSleepingPf(host, output, grant);
  output.print(`${describeGrant(grant)}. Take it back with: hostdev-admin revoke ${grant.device}\n`);
  if (grant.lease.isPersistent && !isSetUp(host)) {
    output.warn("hostdev-admin: nothing restores it at boot yet; let that be done with: hostdev-admin setup\n");
  }
  if (grant.lease.expiresAt !== null && !isSystemdRunning(host)) {
    output.warn("hostdev-admin: no systemd here to end the lease: let cron run `hostdev-admin expire` each minute\n");
  }
}

function describeGrant(grant: Grant): string {
  const { device, virtualFunction, user, group, memoryBytes, memlockBytes, endpoints, lease } = grant;
  const given = endpoints.flatMap(({ address, role }) => (role === "give" && address !== device ? [address] : []));
  const held = endpoints.filter((endpoint) => endpoint.role === "hold").map((endpoint) => endpoint.address);
  const giving = given.length === 0 ? "" : `, with ${given.join(", ")}`;
  const holding = held.length === 0 ? "" : `, holding ${held.join(", ")}`;
  const size = `a VM of ${formatSize(memoryBytes)} (memlock ${formatSize(memlockBytes)})`;
  const of =
    virtualFunction === null
      ? ""
      : ` (virtual function ${virtualFunction.index} of ${virtualFunction.physicalFunction})`;
  const end = lease.expiresAt === null && !lease.isPersistent ? "" : `, ${describeLease(lease)}`;
  return `${device}${of} (IOMMU group ${group}${giving}${holding}) lent to ${user.name} for ${size}${end}`;
}
