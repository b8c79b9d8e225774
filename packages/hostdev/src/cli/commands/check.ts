// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { hasFailure } from "../../core/finding.ts";
import { readVm, vmNeeds } from "../../session/plan-launch.ts";
import { preflight } from "../../session/preflight.ts";
import { type Context, printJson } from "../context.ts";
import { printFindings } from "../findings-output.ts";
import { readUserFile } from "../read-user-file.ts";

const examples = `
Exit status: 0 the VM will start; 1 it will not; 2 or 9 the file is no domain, or has something unsupported.

Examples:
  hostdev check vm.xml
  virsh dumpxml win11 | hostdev check -
  hostdev check vm.xml --json | jq '.findings[] | select(.level == "failure") | .fix'`;

/** `hostdev check FILE`. */
export function checkVerb(program: Command, context: Context): void {
  program
    .command("check")
    .summary("tell whether a VM would start, and if not exactly why")
    .description(
      "Checks, as you and for this VM, everything that could keep it from starting: devices, drivers, groups, nodes, " +
        "locked memory, files, QEMU. Reports everything at once, each with the command that mends it. Changes nothing.",
    )
    .argument("<file>", "libvirt domain XML; - for standard input")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((file: string, options: { json?: true }) => run(context, file, options.json === true));
}

async function run({ host, output, setExitStatus }: Context, file: string, isJson: boolean): Promise<void> {
  const domain = readVm(host, readUserFile(host, file), file);
  const needs = vmNeeds(domain);
  const findings = await preflight(host, needs, { probesQemu: true });
  const willStart = !hasFailure(findings);
  if (!willStart) setExitStatus(1);
  if (isJson)
    return printJson(output, { version: 1, domain: domain.name, willStart, memlock: needs.memlock, findings });
  printFindings(output, findings);
  output.print(willStart ? `VM "${domain.name}" can start.\n` : `VM "${domain.name}" cannot start yet.\n`);
}
