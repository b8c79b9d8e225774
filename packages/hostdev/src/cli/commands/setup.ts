// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { describeAct, planSetup, type SetupAct, setup } from "../../grants/setup.ts";
import { type Context, printJson } from "../context.ts";
import { printPlan } from "../plan-output.ts";

interface SetupOptions {
  readonly remove?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

const examples = `
Examples:
  hostdev-admin setup --dry-run
  hostdev-admin setup
  hostdev-admin setup --remove`;

/** `hostdev-admin setup`. */
export function setupVerb(program: Command, context: Context): void {
  program
    .command("setup")
    .summary("let this machine restore persistent grants at boot")
    .description(
      "Installs a unit of systemd that restores persistent grants at boot, and a rule of udev that gives a group's node " +
        "back to its user when the kernel makes it anew. They start the program from where it is now, as root, so that " +
        "only root may be able to write there: run it again after moving it. A package of your distribution may have " +
        "done this already.",
    )
    .option("--remove", "take them away again; grants in force stay")
    .option("--dry-run", "print the plan and change nothing")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((options: SetupOptions) => run(context, options));
}

async function run({ host, output }: Context, { remove, dryRun, json }: SetupOptions): Promise<void> {
  const isRemoval = remove === true;
  const acts: readonly SetupAct[] = planSetup(host, isRemoval);
  if (!dryRun) await setup(host, isRemoval, (act) => json || output.print(`  ${describeAct(act)}: done\n`));
  if (json) return printJson(output, { version: 1, acts });
  if (dryRun) return printPlan(output, acts.map(describeAct));
  output.print(
    isRemoval ? "Persistent grants no longer come back at boot.\n" : "Persistent grants come back at boot.\n",
  );
}
