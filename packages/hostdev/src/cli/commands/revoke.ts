// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { isHostdevError } from "../../core/errors.ts";
import { formatDuration, parseDuration } from "../../core/units.ts";
import { previewRevoke, revokeDevice } from "../../grants/revoke-device.ts";
import { describeStep } from "../../grants/step.ts";
import type { RevokeOptions } from "../../grants/take-node.ts";
import type { HolderAct } from "../../vfio/end-holders.ts";
import { describeHolder, type Holder } from "../../vfio/holders.ts";
import { type Context, type Output, printJson } from "../context.ts";
import { onStep, onWarning, printPlan } from "../plan-output.ts";
import { warnOfQuarantine } from "../quarantine-output.ts";
import { untilSignal } from "../until-signal.ts";

interface RevokeArguments {
  readonly wait?: string;
  readonly kill?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

const examples = `
Nothing is ever unbound under a process that has it open. With --wait or --kill the node goes back to root first, so
that no other VM can start with the device; if it is not free in the end, the user gets the node back.

Examples:
  hostdev-admin revoke 01:00.0 --dry-run
  hostdev-admin revoke 01:00.0
  hostdev-admin revoke 01:00.0 --wait 10m
  hostdev-admin revoke 01:00.0 --wait 30s --kill`;

/** `hostdev-admin revoke DEV`. */
export function revokeVerb(program: Command, context: Context): void {
  program
    .command("revoke")
    .summary("take a lent device back")
    .description(
      "Takes a device back: the group's node, the user's limits, drivers and overrides become what they were before " +
        "the grant. Refused while a process still has the device, unless --wait or --kill is given.",
    )
    .argument("<device>", "the lent device, or any device of its group; or grant:ID, for one that waits")
    .option("--wait <time>", "wait so long for those who have the device to let go, such as 30s or 10m")
    .option("--kill", "end those who have it (after --wait, if given): SIGTERM, and SIGKILL 10 seconds later")
    .option("--dry-run", "print the plan and change nothing")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((device: string, options: RevokeArguments) => run(context, device, options));
}

async function run({ host, output }: Context, device: string, options: RevokeArguments): Promise<void> {
  const patience: RevokeOptions = {
    ...(options.wait === undefined ? {} : { waitMs: parseDuration(options.wait, "--wait") }),
    kill: options.kill === true,
  };
  if (options.dryRun) {
    const { grant, steps } = await previewRevoke(host, device, patience);
    if (options.json) return printJson(output, { version: 1, grant, steps });
    return printPlan(output, steps.map(describeStep));
  }
  const told = { onStep: onStep(output), onHolders: onHolders(output, patience.waitMs ?? 0) };
  // Waiting can be interrupted; once the device is free, the revoke is brought to its end, and a signal waits for it.
  const revocation = await untilSignal((signal) =>
    revokeDevice(host, device, patience, { ...(options.json ? {} : told), onWarning: onWarning(output), signal }),
  ).catch((error) => {
    if (isHostdevError(error, "HD_INTERRUPTED")) output.warn("hostdev-admin: interrupted; everything is as it was\n");
    throw error;
  });
  if (options.json) return printJson(output, { version: 1, ...revocation });
  const { grant, quarantined } = revocation;
  const what = quarantined.length === 0 ? "is back with the host" : "is taken back";
  output.print(`${grant.device} ${what}; ${grant.user.name} no longer has it.\n`);
  for (const text of revocation.left) output.warn(`hostdev-admin: ${text}\n`);
  warnOfQuarantine(output, quarantined);
}

function onHolders({ print }: Output, waitMs: number): (holders: readonly Holder[], act: HolderAct) => void {
  return (holders, act) => {
    const who = holders.map(describeHolder).join(", ") || "somebody whom no process shows";
    print(act === "wait" ? `  up to ${formatDuration(waitMs)}: waiting for ${who}\n` : `  ${act} to ${who}\n`);
  };
}
