// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { formatSize } from "../../core/units.ts";
import { formatTime, type Lease } from "../../grants/lease.ts";
import { type Quarantine, readQuarantines } from "../../grants/quarantine.ts";
import { findReachableMates } from "../../grants/reachable-mates.ts";
import { isInForce } from "../../grants/record.ts";
import { readStanding } from "../../grants/state.ts";
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
      "Lists all grants. State `active`: in force; `expired`: its time is over; `expiring`: its time is over, a VM " +
        "still has the device, and no new one can; `waiting`: persistent, but its device is not there, or another, or " +
        "the host uses it; `lost`: a reboot ended it; `interrupted`: run hostdev-admin recover. Then what is in " +
        "quarantine, and warnings about mates that a user can reach though they were not lent.",
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExamples:\n  hostdev-admin grants\n  hostdev-admin grants --json")
    .action((options: { json?: true }) => run(context, options.json === true));
}

function run({ host, output }: Context, isJson: boolean): void {
  const bootId = readBootId(host);
  const grants = readRecords(host).map((record) => ({
    ...record.grant,
    ...readStanding(host, record),
    reachableMates: isInForce(record, bootId) ? findReachableMates(host, record.grant) : [],
  }));
  const quarantined = readQuarantines(host).map((quarantine) => ({
    ...quarantine,
    driver: readPciFunction(host, quarantine.address)?.driver ?? null,
  }));
  if (isJson) return printJson(output, { version: 1, grants, quarantined });
  if (grants.length === 0) output.print("Nothing is lent.\n");
  else {
    const rows = grants.map((grant) => [
      grant.device,
      grant.user.name,
      grant.state,
      formatSize(grant.memoryBytes),
      formatTime(grant.grantedAt),
      endOf(grant.lease),
      grant.grantedBy,
      grant.endpoints
        .filter(({ role }) => role === "hold")
        .map(({ address }) => address)
        .join(" ") || "-",
      grant.note ?? "-",
    ]);
    const header = ["DEVICE", "USER", "STATE", "MEMORY", "SINCE", "UNTIL", "BY", "HELD MATES", "NOTE"];
    output.print(formatTable(output, header, rows));
  }
  for (const { device, id, reason } of grants) {
    if (reason !== null)
      output.print(`${device} waits: ${reason}. Give it up with: hostdev-admin revoke grant:${id}\n`);
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

function endOf({ expiresAt, isPersistent }: Lease): string {
  if (expiresAt !== null) return formatTime(expiresAt);
  return isPersistent ? "revoked" : "reboot";
}

/** After a reboot the kernel gives it to a driver again, until it is held anew. */
function stateOfQuarantine({ driver }: Quarantine & { readonly driver: string | null }): string {
  return driver === "pci-stub" ? "held" : `not held: ${driver ?? "no driver"}`;
}
