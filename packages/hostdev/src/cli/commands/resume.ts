// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, withDomain } from "../domain/domain-verb.ts";

/** `hostdev resume VM`. */
export function resumeVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "resume",
    "let a paused VM go on",
    "Lets a VM go on that is paused, or was started with --paused.",
  )
    .addHelpText("after", "\nExamples:\n  hostdev resume vm")
    .action((vm: string, options: ConnectOptions) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: ConnectOptions): Promise<void> {
  await withDomain(context, options, vm, (client, domain) => client.call("domainResume", { domain }));
  context.output.warn(`hostdev: VM "${vm}" runs\n`);
}
