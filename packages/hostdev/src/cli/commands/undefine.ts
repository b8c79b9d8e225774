// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, withDomain } from "../domain/domain-verb.ts";

interface Options extends ConnectOptions {
  readonly nvram?: true;
  readonly keepNvram?: true;
}

/** `hostdev undefine VM`. */
export function undefineVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "undefine",
    "remove the definition of a VM",
    "Removes the definition. A running VM goes on, and is gone when it ends. Disks are not touched.",
  )
    .addOption(new Option("--nvram", "remove the file with its firmware's variables too").conflicts("keepNvram"))
    .option("--keep-nvram", "leave that file where it is")
    .addHelpText("after", "\nExamples:\n  hostdev undefine vm\n  hostdev undefine vm --nvram")
    .action((vm: string, options: Options) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: Options): Promise<void> {
  await withDomain(context, options, vm, (client, domain) =>
    client.call("domainUndefineFlags", {
      domain,
      flags: (options.nvram === true ? 4 : 0) | (options.keepNvram === true ? 8 : 0),
    }),
  );
  context.output.warn(`hostdev: VM "${vm}" is not defined any more\n`);
}
