// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { releaseDevice } from "../../grants/release-device.ts";
import { type Context, printJson } from "../context.ts";
import { onWarning } from "../plan-output.ts";
import { untilSignal } from "../until-signal.ts";

interface ReleaseOptions {
  readonly trust?: true;
  readonly json?: true;
}

const examples = `
A device goes into quarantine when it was lent and its reset failed, or it did not answer rightly after it: a driver
of the host that gets it as a user left it could be attacked through it.

Examples:
  hostdev-admin grants                       what is in quarantine, and why
  hostdev-admin release 01:00.0 --trust`;

/** `hostdev-admin release DEV --trust`. */
export function releaseVerb(program: Command, context: Context): void {
  program
    .command("release")
    .summary("give a device in quarantine back to the host")
    .description(
      "Gives a device in quarantine back to the host, on your word that it can be trusted: resets it if it can be, and " +
        "gives it the driver and the override that it had before it was lent.",
    )
    .argument("<device>", "its PCI address")
    .option("--trust", "you know that its state is good")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((device: string, options: ReleaseOptions) => run(context, device, options));
}

async function run({ host, output }: Context, device: string, options: ReleaseOptions): Promise<void> {
  const { quarantine, noReset } = await untilSignal(() =>
    releaseDevice(host, device, options.trust === true, onWarning(output)),
  );
  if (options.json) return printJson(output, { version: 1, quarantine, noReset });
  const { address, home } = quarantine;
  const state = noReset === null ? "after a reset" : `without a reset (${noReset})`;
  output.print(`${address} is back with the host (${home.driver ?? "no driver"}), ${state}.\n`);
}
