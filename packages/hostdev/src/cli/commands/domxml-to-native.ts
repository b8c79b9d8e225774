// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError } from "../../core/errors.ts";
import { domainToNative, newestQemu } from "../../qemu/native.ts";
import { type Context, printJson } from "../context.ts";
import { readUserFile } from "../read-user-file.ts";

/** `hostdev domxml-to-native qemu-argv FILE`. */
export function domxmlToNativeVerb(program: Command, context: Context): void {
  program
    .command("domxml-to-native")
    .summary("print the QEMU command line for a domain")
    .description(
      "Turns libvirt domain XML into QEMU arguments, one a line, for a host with KVM; no QEMU, device or file is looked at.",
    )
    .argument("<format>", "qemu-argv")
    .argument("<file>", "libvirt domain XML; - for standard input")
    .option("--qemu-version <version>", "for this QEMU, such as 7.2", newestQemu)
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  hostdev domxml-to-native qemu-argv vm.xml")
    .action((format: string, file: string, options: { qemuVersion: string; json?: true }) => {
      run(context, format, file, options);
    });
}

function run(
  { host, output }: Context,
  format: string,
  file: string,
  options: { qemuVersion: string; json?: true },
): void {
  if (format !== "qemu-argv") {
    const details = { argument: "<format>", value: format, expected: "qemu-argv" };
    throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot write the format ${JSON.stringify(format)}`, details);
  }
  const args = domainToNative(readUserFile(host, file), { file, qemuVersion: options.qemuVersion });
  if (options.json) return printJson(output, { version: 1, arguments: args });
  output.print(`${args.join("\n")}\n`);
}
