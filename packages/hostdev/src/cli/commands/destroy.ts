// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, withDomain } from "../domain/domain-verb.ts";

interface Options extends ConnectOptions {
  readonly graceful?: true;
}

/** `hostdev destroy VM`. */
export function destroyVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "destroy",
    "end a VM at once",
    "Ends a VM as pulling the plug does. Its definition stays; what its system has not written to disk is lost.",
  )
    .option("--graceful", "let QEMU write what it has cached; fail when it does not end")
    .addHelpText("after", "\nExamples:\n  hostdev destroy vm\n  hostdev destroy vm --graceful")
    .action((vm: string, options: Options) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: Options): Promise<void> {
  await withDomain(context, options, vm, (client, domain) =>
    client.call("domainDestroyFlags", { domain, flags: options.graceful === true ? 1 : 0 }),
  );
  context.output.warn(`hostdev: VM "${vm}" was ended\n`);
}
