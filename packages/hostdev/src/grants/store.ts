// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { Grant } from "./grant.ts";
import { poolDirectory, quarantineDirectory, recordsDirectory, stateDirectory } from "./paths.ts";
import { formatHeader, formatLine, type GrantRecord, type Operation, parseRecord } from "./record.ts";
import type { Step } from "./step.ts";

const recordPath = (id: string) => `${recordsDirectory}/${id}.jsonl`;

/**
 * All records, in the order of their ids.
 *
 * Touches: reads `/var/lib/hostdev/grants`. Needs: nothing.
 * @throws {HostdevError} `HD_JOURNAL_INVALID`.
 */
export function readRecords(host: Host): readonly GrantRecord[] {
  const names = [...(host.list(recordsDirectory) ?? [])].filter((name) => /^[0-9a-f:.~]+\.jsonl$/.test(name)).sort();
  return names
    .map((name) => readRecord(host, name.slice(0, -".jsonl".length)))
    .filter((record) => record !== undefined);
}

/** One record; `undefined` when there is none of this id. */
export function readRecord(host: Host, id: string): GrantRecord | undefined {
  const text = host.readText(recordPath(id));
  return text === undefined ? undefined : parseRecord(text, recordPath(id));
}

/**
 * Starts a record, or a restore's in place of the old: the decision and its whole plan are on the disk when this
 * returns. Needs: root.
 */
export function createRecord(
  host: Host,
  grant: Grant,
  steps: readonly Step[],
  operation: "grant" | "restore" = "grant",
): void {
  host.makeDirectory(recordsDirectory, 0o755);
  host.writeFile(recordPath(grant.id), formatHeader(grant) + formatPlan(host, operation, steps), 0o644);
}

/** Notes why a persistent grant is not in force in this boot. Needs: root. */
export function recordWaiting(host: Host, id: string, reason: string): void {
  append(host, id, formatLine({ waiting: { bootId: readBootId(host), reason } }));
}

/** Announces the revoke of a grant with all its steps. Needs: root. */
export function recordRevoke(host: Host, id: string, steps: readonly Step[]): void {
  append(host, id, formatPlan(host, "revoke", steps));
}

function formatPlan(host: Host, operation: Operation, steps: readonly Step[]): string {
  return formatLine({ operation, bootId: readBootId(host), steps });
}

/** Announces that a step is about to be done. Needs: root. */
export function recordBegin(host: Host, id: string, index: number): void {
  append(host, id, formatLine({ begin: index }));
}

/** Notes that an operation is complete. Needs: root. */
export function recordEnd(host: Host, id: string, operation: Operation): void {
  append(host, id, formatLine({ end: operation }));
}

/** Notes that an operation was called off, with everything as before it. Needs: root. */
export function recordCancel(host: Host, id: string, operation: "revoke"): void {
  append(host, id, formatLine({ cancel: operation }));
}

/** Removes a record of which everything is undone, and the folders when it was the last. Needs: root. */
export function removeRecord(host: Host, id: string): void {
  host.removeFile(recordPath(id));
  removeEmptyFolders(host);
}

/** Clears what a kill left before a record came to be. Needs: root, and the lock. */
export function sweepRecords(host: Host): void {
  for (const folder of [recordsDirectory, quarantineDirectory, poolDirectory]) {
    for (const name of host.list(folder) ?? []) {
      const whole = /^\.(.+)\.new$/.exec(name)?.[1];
      if (whole !== undefined && host.status(`${folder}/${whole}`) === undefined) host.removeFile(`${folder}/${whole}`);
    }
  }
  removeEmptyFolders(host);
}

/** Removes what folders of ours are empty. Needs: root. */
export function removeEmptyFolders(host: Host): void {
  host.removeDirectory(recordsDirectory);
  host.removeDirectory(quarantineDirectory);
  host.removeDirectory(poolDirectory);
  host.removeDirectory(stateDirectory);
}

/** Differs from boot to boot. */
export function readBootId(host: Host): string {
  return host.readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "unknown";
}

/** What a kill left of a line goes first: it announced nothing, and would spoil the line that comes after it. */
function append(host: Host, id: string, text: string): void {
  const path = recordPath(id);
  const old = host.readText(path) ?? "";
  if (old.endsWith("\n")) return host.appendFile(path, text, 0o644);
  host.writeFile(path, old.slice(0, old.lastIndexOf("\n") + 1) + text, 0o644);
}
