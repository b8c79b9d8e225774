// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { formatSize } from "../../core/units.ts";
import { type Quarantine, readQuarantines } from "../../grants/quarantine.ts";
import { findReachableMates } from "../../grants/reachable-mates.ts";
import type { GrantRecord } from "../../grants/record.ts";
import { readBootId, readRecords } from "../../grants/store.ts";
import { readPciFunction } from "../../pci/pci-function.ts";
import { type Context, printJson } from "../context.ts";
import { warnOfReachableMates } from "../reachable-mates-output.ts";
import { formatTable } from "../table.ts";

/** `hostdev-admin grants`. */
export function grantsVerb(program: Command, context: Context): void {
  program
    .command("grants")
    .summary("list what is lent, to whom, since when, and what is in quarantine")
    .description(
      "Lists all grants. State `active`: in force; `interrupted`: run hostdev-admin recover; `lost`: a reboot ended it. " +
        "Then what is in quarantine, and warnings about mates that a user can reach though they were not lent.",
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  hostdev-admin grants\n  hostdev-admin grants --json")
    .action((options: { json?: true }) => run(context, options.json === true));
}

function run({ host, output }: Context, isJson: boolean): void {
  const bootId = readBootId(host);
  const grants = readRecords(host).map((record) => {
    const state = stateOf(record, bootId);
    return { ...record.grant, state, reachableMates: state === "active" ? findReachableMates(host, record.grant) : [] };
  });
  const quarantined = readQuarantines(host).map((quarantine) => ({
    ...quarantine,
    driver: readPciFunction(host, quarantine.address)?.driver ?? null,
  }));
  if (isJson) return printJson(output, { version: 1, grants, quarantined });
  if (grants.length === 0) output.print("Nothing is lent.\n");
  else {
    const rows = grants.map((grant) => [
      grant.id,
      grant.user.name,
      grant.state,
      formatSize(grant.memoryBytes),
      formatTime(grant.grantedAt),
      grant.grantedBy,
      grant.endpoints
        .filter(({ role }) => role === "hold")
        .map(({ address }) => address)
        .join(" ") || "-",
    ]);
    output.print(formatTable(output, ["DEVICE", "USER", "STATE", "MEMORY", "SINCE", "BY", "HELD MATES"], rows));
  }
  if (quarantined.length > 0) {
    const rows = quarantined.map((each) => [
      each.address,
      stateOfQuarantine(each),
      formatTime(each.since),
      each.user,
      each.reason,
    ]);
    output.print(`\n${formatTable(output, ["QUARANTINED", "STATE", "SINCE", "USER", "WHY"], rows)}`);
  }
  warnOfReachableMates(host, output);
}

const formatTime = (iso: string) => iso.replace("T", " ").replace(/\..*/, "Z");

function stateOf(record: GrantRecord, bootId: string): "active" | "interrupted" | "lost" {
  if (!record.isComplete) return "interrupted";
  return record.bootId === bootId ? "active" : "lost";
}

/** After a reboot the kernel gives it to a driver again, until it is held anew. */
function stateOfQuarantine({ driver }: Quarantine & { readonly driver: string | null }): string {
  return driver === "pci-stub" ? "held" : `not held: ${driver ?? "no driver"}`;
}
