// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, withDomain } from "../domain/domain-verb.ts";

/** `hostdev reset VM`. */
export function resetVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "reset",
    "reset a VM, as the button on the case does",
    "Resets a VM at once. What its system has not written to disk is lost.",
  )
    .addHelpText("after", "\nExamples:\n  hostdev reset vm")
    .action((vm: string, options: ConnectOptions) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: ConnectOptions): Promise<void> {
  await withDomain(context, options, vm, (client, domain) => client.call("domainReset", { domain, flags: 0 }));
  context.output.warn(`hostdev: VM "${vm}" was reset\n`);
}
