// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, withDomain } from "../domain/domain-verb.ts";

interface Options extends ConnectOptions {
  readonly paused?: true;
  readonly forceBoot?: true;
}

/** `hostdev start VM`. */
export function startVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "start",
    "start a defined VM",
    "Checks as `hostdev check` does, then starts the VM in the background. `console` connects to it.",
  )
    .option("--paused", "the guest waits for `hostdev resume`")
    .option("--force-boot", "boot anew, whatever was saved of it")
    .addHelpText("after", "\nExamples:\n  hostdev start vm && hostdev console vm\n  hostdev start vm --paused")
    .action((vm: string, options: Options) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: Options): Promise<void> {
  await withDomain(context, options, vm, (client, domain) =>
    client.call("domainCreateWithFlags", {
      domain,
      flags: (options.paused === true ? 1 : 0) | (options.forceBoot === true ? 8 : 0),
    }),
  );
  context.output.warn(`hostdev: VM "${vm}" ${options.paused === true ? "is started, and waits for resume" : "runs"}\n`);
}
