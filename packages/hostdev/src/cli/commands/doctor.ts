// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError, isHostdevError } from "../../core/errors.ts";
import { type Finding, toFinding } from "../../core/finding.ts";
import type { Host } from "../../core/host.ts";
import { type Diagnosis, diagnose } from "../../doctor/diagnose.ts";
import type { GrantedEndpoint } from "../../doctor/granted.ts";
import { readQuarantines } from "../../grants/quarantine.ts";
import { readRecords } from "../../grants/store.ts";
import { type Context, type Output, printJson } from "../context.ts";
import { printFindings } from "../findings-output.ts";
import { paint } from "../table.ts";

const examples = `
Exit status: 0 this machine can lend devices; 1 something stands in the way.

Examples:
  hostdev doctor
  hostdev doctor --json | jq '.sections[].findings[] | select(.level == "failure") | .fix'`;

/** `hostdev doctor`. */
export function doctorVerb(program: Command, context: Context): void {
  program
    .command("doctor")
    .summary("tell whether this machine can lend devices at all, and if not why")
    .description(
      "Checks the machine, whatever the device and the VM: IOMMU, interrupt remapping, vfio, switches that undo the " +
        "isolation, QEMU, KVM, your limits, other managers of drivers. Each problem with its fix. Changes nothing.",
    )
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((options: { json?: true }) => run(context, options.json === true));
}

async function run({ host, output, setExitStatus }: Context, isJson: boolean): Promise<void> {
  const { granted, findings } = readGranted(host);
  const { sections, isAble } = await diagnose(host, granted);
  const all = findings.length === 0 ? sections : [...sections, { id: "grants", title: "Grants", findings }];
  if (!isAble) setExitStatus(1);
  if (isJson) return printJson(output, { version: 1, isAble, sections: all });
  printDiagnosis(output, { sections: all, isAble });
}

/** What grants cover, what is wrong with their records, and what came back from one in a bad state. */
function readGranted(host: Host): { granted: readonly GrantedEndpoint[]; findings: readonly Finding[] } {
  try {
    const records = readRecords(host);
    const granted = records.flatMap(({ grant }) =>
      grant.endpoints.map(({ address, role }) => ({ address, role, grant: grant.id, user: grant.user.name })),
    );
    const interrupted = records.filter((record) => !record.isComplete);
    const findings = interrupted.map(({ grant, operation }) => {
      const text = `The ${operation} of ${grant.id} was interrupted`;
      return toFinding(new HostdevError("HD_RECOVERY_NEEDED", text, { grant: grant.id, operation }), "warning");
    });
    findings.push(
      ...readQuarantines(host).map(({ address, reason }) => {
        const text = `${address} is in quarantine: ${reason}`;
        return toFinding(new HostdevError("HD_QUARANTINED", text, { address, reason }), "warning");
      }),
    );
    return { granted, findings };
  } catch (error) {
    if (isHostdevError(error)) return { granted: [], findings: [toFinding(error, "warning")] };
    throw error;
  }
}

function printDiagnosis(output: Output, { sections, isAble }: Diagnosis): void {
  for (const { title, findings } of sections) {
    output.print(`${paint(output, "bold", title)}\n`);
    printFindings(output, findings);
    output.print("\n");
  }
  const count = (level: Finding["level"]) =>
    sections.flatMap(({ findings }) => findings).filter((finding) => finding.level === level).length;
  const [failures, warnings] = [count("failure"), count("warning")];
  const words = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const more = warnings === 0 ? "" : `, ${words(warnings, "warning")}`;
  output.print(
    isAble
      ? `This machine can lend devices${more}.\n`
      : `This machine cannot lend devices yet: ${words(failures, "problem")}${more}.\n`,
  );
}
