// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, withDomain } from "../domain/domain-verb.ts";

/** `hostdev suspend VM`. */
export function suspendVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "suspend",
    "stop a running VM where it is",
    "Stops the CPUs of a VM; its memory stays. `resume` lets it go on.",
  )
    .addHelpText("after", "\nExamples:\n  hostdev suspend vm")
    .action((vm: string, options: ConnectOptions) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: ConnectOptions): Promise<void> {
  await withDomain(context, options, vm, (client, domain) => client.call("domainSuspend", { domain }));
  context.output.warn(`hostdev: VM "${vm}" is paused\n`);
}
