// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { recover } from "../../grants/recover.ts";
import { type Context, printJson } from "../context.ts";
import { onStep, onWarning } from "../plan-output.ts";
import { warnOfReachableMates } from "../reachable-mates-output.ts";
import { untilSignal } from "../until-signal.ts";

/** `hostdev-admin recover`. */
export function recoverVerb(program: Command, context: Context): void {
  program
    .command("recover")
    .summary("finish what was interrupted")
    .description(
      "Brings every grant or revoke that was killed half-way to an end: an interrupted grant is undone, an " +
        "interrupted revoke completed. Then holds again what is in quarantine and a reboot gave to a driver, and ends " +
        "virtual functions that were made to be lent and are not. Does nothing when there is none of it. Waits up to 90 " +
        "seconds for what a killed command has left on its way to the kernel.",
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  hostdev-admin recover")
    .action((options: { json?: true }) => run(context, options.json === true));
}

async function run({ host, output }: Context, isJson: boolean): Promise<void> {
  const recoveries = await untilSignal((signal) =>
    recover(host, { signal, onWarning: onWarning(output), ...(isJson ? {} : { onStep: onStep(output) }) }),
  );
  warnOfReachableMates(host, output);
  if (isJson) return printJson(output, { version: 1, recoveries });
  if (recoveries.length === 0) return output.print("Nothing was interrupted.\n");
  for (const { grant, interrupted, outcome } of recoveries) {
    output.print(
      `The ${interrupted} of ${grant.device} to ${grant.user.name} was interrupted; it is now ${outcome}.\n`,
    );
  }
}
