// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { previewRevoke, revokeDevice } from "../../grants/revoke-device.ts";
import { describeStep } from "../../grants/step.ts";
import { type Context, printJson } from "../context.ts";
import { onStep, printPlan } from "../plan-output.ts";
import { untilSignal } from "../until-signal.ts";

const examples = `
Examples:
  hostdev-admin revoke 01:00.0 --dry-run
  hostdev-admin revoke 01:00.0`;

/** `hostdev-admin revoke DEV`. */
export function revokeVerb(program: Command, context: Context): void {
  program
    .command("revoke")
    .summary("take a lent device back")
    .description(
      "Takes a device back: the group's node, the user's limits, drivers and overrides become what they were before " +
        "the grant. Refused while a process still has the device.",
    )
    .argument("<device>", "the lent device, or any device of its group")
    .option("--dry-run", "print the plan and change nothing")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((device: string, options: { dryRun?: true; json?: true }) => run(context, device, options));
}

async function run({ host, output }: Context, device: string, options: { dryRun?: true; json?: true }): Promise<void> {
  if (options.dryRun) {
    const { grant, steps } = await previewRevoke(host, device);
    if (options.json) return printJson(output, { version: 1, grant, steps });
    return printPlan(output, steps.map(describeStep));
  }
  const progress = options.json ? {} : { onStep: onStep(output) };
  // A revoke is always brought to its end: a signal waits for it.
  const grant = await untilSignal(() => revokeDevice(host, device, progress));
  if (options.json) return printJson(output, { version: 1, grant });
  output.print(`${grant.id} is back with the host; ${grant.user.name} no longer has it.\n`);
}
