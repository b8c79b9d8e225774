// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { expire } from "../../grants/expire.ts";
import { describeHolder } from "../../vfio/holders.ts";
import { type Context, printJson } from "../context.ts";
import { onStep, onWarning } from "../plan-output.ts";
import { warnOfQuarantine } from "../quarantine-output.ts";
import { untilSignal } from "../until-signal.ts";

const examples = `
A timer of systemd runs this when a lease ends. Without systemd let cron do it each minute:
  * * * * * root hostdev-admin expire

Examples:
  hostdev-admin expire`;

/** `hostdev-admin expire`. */
export function expireVerb(program: Command, context: Context): void {
  program
    .command("expire")
    .summary("take back what was lent for a time that is over")
    .description(
      "Ends the leases whose time is over. Their nodes go back to root at once, so that no VM can start with the " +
        "device; a VM that has it already is waited for until a later `expire`, or ended, as the grant says.",
    )
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((options: { json?: true }) => run(context, options.json === true));
}

async function run({ host, output }: Context, isJson: boolean): Promise<void> {
  const progress = { onWarning: onWarning(output), ...(isJson ? {} : { onStep: onStep(output) }) };
  const expiries = await untilSignal(() => expire(host, progress));
  if (isJson) return printJson(output, { version: 1, expiries });
  if (expiries.length === 0) return output.print("No lease is over.\n");
  for (const { grant, outcome, holders, quarantined } of expiries) {
    const { device, user } = grant;
    const text =
      outcome === "revoked"
        ? `The lease of ${device} to ${user.name} is over; it is back with the host.`
        : `The lease of ${device} to ${user.name} is over; it comes back when ${holders.map(describeHolder).join(", ") || "it is let go"} has ended.`;
    output.print(`${text}\n`);
    warnOfQuarantine(output, quarantined);
  }
}
