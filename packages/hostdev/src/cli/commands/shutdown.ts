// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, oneOf, withDomain } from "../domain/domain-verb.ts";

interface Options extends ConnectOptions {
  readonly mode?: string;
}

/** `hostdev shutdown VM`. */
export function shutdownVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "shutdown",
    "ask a VM to power off",
    "Asks the guest to power off. Whether and when it does is its own affair; `destroy` ends it in any case.",
  )
    .option(
      "--mode <how>",
      "acpi: press its power button; agent: ask the agent in it. Default: the agent, if it has one",
    )
    .addHelpText("after", "\nExamples:\n  hostdev shutdown vm\n  hostdev shutdown vm --mode acpi")
    .action((vm: string, options: Options) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: Options): Promise<void> {
  const flags = options.mode === undefined ? 0 : oneOf(options.mode, "--mode", ["acpi", "agent"]) === "acpi" ? 1 : 2;
  await withDomain(context, options, vm, (client, domain) => client.call("domainShutdownFlags", { domain, flags }));
  context.output.warn(`hostdev: VM "${vm}" was asked to power off\n`);
}
