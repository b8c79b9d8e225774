// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, withDomain } from "../domain/domain-verb.ts";

interface DumpxmlOptions extends ConnectOptions {
  readonly inactive?: true;
  readonly securityInfo?: true;
}

/** `hostdev dumpxml VM`. */
export function dumpxmlVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "dumpxml",
    "print the XML of a VM",
    "Prints the XML of a VM: of a running one what it has now, with aliases, ptys and sockets.",
  )
    .option("--inactive", "the definition, for the next start")
    .option("--security-info", "with passwords")
    .addHelpText("after", "\nExamples:\n  hostdev dumpxml vm\n  hostdev dumpxml vm --inactive > vm.xml")
    .action((vm: string, options: DumpxmlOptions) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: DumpxmlOptions): Promise<void> {
  const flags = (options.securityInfo === true ? 1 : 0) | (options.inactive === true ? 2 : 0);
  const { xml } = await withDomain(context, options, vm, (client, domain) =>
    client.call("domainGetXmlDesc", { domain, flags }),
  );
  context.output.print(xml);
}
