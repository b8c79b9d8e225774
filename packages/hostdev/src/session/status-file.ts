// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";
import type { Host } from "../core/host.ts";
import type { ProcessIdentity } from "../core/processes.ts";
import type { DomainState } from "./domain-state.ts";
import { storeInvalid } from "./session-errors.ts";
import type { SessionPaths } from "./session-paths.ts";

/** What a later session needs to know of a running domain, to take it over. */
export interface VmStatus {
  readonly uuid: string;
  readonly id: number;
  /** `null` while it is being started. */
  readonly process: ProcessIdentity | null;
  /** The folder of this run. */
  readonly directory: string;
  readonly state: DomainState;
  /** The live XML, with aliases, addresses and secrets. */
  readonly xml: string;
  /** What was done past us. */
  readonly taints: readonly string[];
}

const version = 1;
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const uuid = v.pipe(v.string(), v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/));
const schema = v.object({
  version: v.literal(version),
  /** Pids and start times of another boot mean nothing. */
  bootId: v.string(),
  uuid,
  id: v.pipe(count, v.minValue(1)),
  process: v.nullable(v.object({ pid: v.pipe(count, v.minValue(2)), startTime: count })),
  directory: v.string(),
  state: v.object({ state: v.picklist([1, 3, 4, 5, 6, 7]), reason: count }),
  xml: v.string(),
  taints: v.optional(v.array(v.string()), []),
});

/** Writes down a running domain. After a failure or a kill: the old file, whole. */
export function writeStatus(host: Host, paths: SessionPaths, status: VmStatus): void {
  host.makeDirectory(paths.status, 0o700);
  const text = `${JSON.stringify({ version, bootId: readBootId(host), ...status })}\n`;
  const path = `${paths.status}/${status.uuid}.json`;
  if (host.readText(path) !== text) host.writeFile(path, text, 0o600);
}

/** Forgets a domain that runs no more; absent is fine. */
export function removeStatus(host: Host, paths: SessionPaths, domain: string): void {
  host.removeFile(`${paths.status}/${domain}.json`);
}

/** The paths of all files of running domains. */
export function listStatus(host: Host, paths: SessionPaths): readonly string[] {
  const names = [...(host.list(paths.status) ?? [])].filter((name) => /^[0-9a-f-]{36}\.json$/.test(name)).sort();
  return names.map((name) => `${paths.status}/${name}`);
}

/**
 * Reads one of them.
 *
 * @returns also whether it is of this boot: of an earlier one nothing runs.
 * @throws {HostdevError} `HD_STORE_INVALID`.
 */
export function readStatus(
  host: Host,
  paths: SessionPaths,
  path: string,
): { readonly status: VmStatus; readonly isThisBoot: boolean } {
  let value: unknown;
  try {
    value = JSON.parse(host.readText(path) ?? "");
  } catch (cause) {
    throw storeInvalid(path, "it is not JSON", cause);
  }
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw storeInvalid(path, `it has not the form of version ${version}`);
  const { bootId, version: _, ...status } = parsed.output;
  // We remove this folder with what is in it, so it has to be one of ours.
  const isOurs = status.directory === `${paths.runtime}/${status.id}-${status.uuid.slice(0, 8)}`;
  if (!isOurs || path !== `${paths.status}/${status.uuid}.json`) throw storeInvalid(path, "it names another domain");
  return { status, isThisBoot: bootId === readBootId(host) };
}

function readBootId(host: Host): string {
  return host.readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "unknown";
}
