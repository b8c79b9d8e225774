// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { type Restoration, restore } from "../../grants/restore.ts";
import { restoreNode } from "../../grants/restore-node.ts";
import { isSwitchedOff } from "../../grants/switched-off.ts";
import { type Context, printJson } from "../context.ts";
import { onStep, onWarning } from "../plan-output.ts";
import { untilSignal } from "../until-signal.ts";

interface RestoreOptions {
  readonly node?: string;
  readonly json?: true;
}

const examples = `
Exit status: 0 everything is as lent; 1 a grant waits, for the reason told.

Examples:
  hostdev-admin restore
  hostdev-admin restore --node 12     # what udev lets run when the kernel makes a node anew`;

/** `hostdev-admin restore`. */
export function restoreVerb(program: Command, context: Context): void {
  program
    .command("restore")
    .summary("bring persistent grants back after a reboot")
    .description(
      "Brings persistent grants into force again, each by the identity of its devices, whatever their addresses and group " +
        "numbers are now; what is missing or different waits. Removes what a reboot or its time has ended, finishes what " +
        "was interrupted. Does nothing the second time, and nothing at all with `hostdev=off` on the kernel's command line.",
    )
    .option("--node <number>", "only give the node of this IOMMU group back to whom it is lent")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((options: RestoreOptions) => run(context, options));
}

async function run({ host, output, setExitStatus }: Context, options: RestoreOptions): Promise<void> {
  const isJson = options.json === true;
  const restorations = await untilSignal((signal) =>
    options.node === undefined
      ? restore(host, { signal, onWarning: onWarning(output), ...(isJson ? {} : { onStep: onStep(output) }) })
      : restoreOne(host, options.node),
  );
  if (restorations?.some(({ reason }) => reason !== null)) setExitStatus(1);
  if (isJson)
    return printJson(output, { version: 1, isOff: restorations === undefined, restorations: restorations ?? [] });
  if (restorations === undefined)
    return output.print("Nothing is restored: the kernel's command line says hostdev=off.\n");
  if (restorations.length === 0) return output.print("There is nothing to restore.\n");
  for (const restoration of restorations) output.print(`${describe(restoration)}\n`);
}

async function restoreOne(host: Host, text: string): Promise<readonly Restoration[] | undefined> {
  if (!/^\d{1,9}$/.test(text)) {
    const details = { argument: "--node", value: text, expected: "the number of an IOMMU group" };
    throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${JSON.stringify(text)} as --node`, details);
  }
  const restoration = await restoreNode(host, Number(text));
  if (restoration !== undefined) return [restoration];
  return isSwitchedOff(host) ? undefined : [];
}

function describe({ grant, outcome, reason }: Restoration): string {
  const what = `${grant.device} (IOMMU group ${grant.group}), lent to ${grant.user.name},`;
  switch (outcome) {
    case "restored":
      return `${what} is in force again.`;
    case "active":
      return reason === null ? `${what} is in force.` : `${what} is no longer as lent: ${reason}.`;
    case "waiting":
      return `${grant.device}, lent to ${grant.user.name}, waits: ${reason}.`;
    case "removed":
      return `${grant.device} was lent to ${grant.user.name} for a time that is over; nothing of it is left.`;
    case "finished":
      return `What was interrupted with ${grant.device} is finished; it is not lent.`;
  }
}
