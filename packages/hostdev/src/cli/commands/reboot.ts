// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, oneOf, withDomain } from "../domain/domain-verb.ts";

interface Options extends ConnectOptions {
  readonly mode?: string;
}

/** `hostdev reboot VM`. */
export function rebootVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "reboot",
    "ask a VM to boot again",
    "Asks the guest to shut down, and lets it boot again. Whether and when it does is its own affair.",
  )
    .option(
      "--mode <how>",
      "acpi: press its power button; agent: ask the agent in it. Default: the agent, if it has one",
    )
    .addHelpText("after", "\nExamples:\n  hostdev reboot vm")
    .action((vm: string, options: Options) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: Options): Promise<void> {
  const flags = options.mode === undefined ? 0 : oneOf(options.mode, "--mode", ["acpi", "agent"]) === "acpi" ? 1 : 2;
  await withDomain(context, options, vm, (client, domain) => client.call("domainReboot", { domain, flags }));
  context.output.warn(`hostdev: VM "${vm}" was asked to boot again\n`);
}
