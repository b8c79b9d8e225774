// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { formatSize } from "../../core/units.ts";
import type { GrantRecord } from "../../grants/record.ts";
import { readBootId, readRecords } from "../../grants/store.ts";
import { type Context, printJson } from "../context.ts";
import { formatTable } from "../table.ts";

/** `hostdev-admin grants`. */
export function grantsVerb(program: Command, context: Context): void {
  program
    .command("grants")
    .summary("list what is lent, to whom, since when")
    .description(
      "Lists all grants. State `active`: in force; `interrupted`: run hostdev-admin recover; `lost`: a reboot ended it.",
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  hostdev-admin grants\n  hostdev-admin grants --json")
    .action((options: { json?: true }) => run(context, options.json === true));
}

function run({ host, output }: Context, isJson: boolean): void {
  const bootId = readBootId(host);
  const grants = readRecords(host).map((record) => ({ ...record.grant, state: stateOf(record, bootId) }));
  if (isJson) return printJson(output, { version: 1, grants });
  if (grants.length === 0) return output.print("Nothing is lent.\n");
  const rows = grants.map((grant) => [
    grant.id,
    grant.user.name,
    grant.state,
    formatSize(grant.memoryBytes),
    grant.grantedAt.replace("T", " ").replace(/\..*/, "Z"),
    grant.grantedBy,
    grant.endpoints
      .filter(({ role }) => role === "hold")
      .map(({ address }) => address)
      .join(" ") || "-",
  ]);
  output.print(formatTable(output, ["DEVICE", "USER", "STATE", "MEMORY", "SINCE", "BY", "HELD MATES"], rows));
}

function stateOf(record: GrantRecord, bootId: string): "active" | "interrupted" | "lost" {
  if (!record.isComplete) return "interrupted";
  return record.bootId === bootId ? "active" : "lost";
}
