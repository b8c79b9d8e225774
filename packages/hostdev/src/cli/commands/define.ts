// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, sessionCommand, withSession } from "../domain/domain-verb.ts";
import { readUserFile } from "../read-user-file.ts";

const examples = `
Examples:
  hostdev define vm.xml
  virsh -c qemu:///system dumpxml win11 | hostdev define -`;

/** `hostdev define FILE`. */
export function defineVerb(program: Command, context: Context): void {
  sessionCommand(
    program,
    "define",
    "take a VM's definition over, for `start`",
    "Keeps the definition of a VM, or changes the one with the same UUID; a running VM gets it at its next start.",
  )
    .argument("<file>", "libvirt domain XML; - for standard input")
    .addHelpText("after", examples)
    .action((file: string, options: ConnectOptions) => run(context, file, options));
}

async function run(context: Context, file: string, options: ConnectOptions): Promise<void> {
  const xml = readUserFile(context.host, file);
  const { domain } = await withSession(context, options, (client) => client.call("domainDefineXml", { xml }));
  context.output.warn(`hostdev: VM "${domain.name}" is defined\n`);
}
