// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";
import { HostdevError } from "../core/errors.ts";
import { moduleNames } from "../vfio/modules.ts";
import type { Grant } from "./grant.ts";
import { addressText, binding, id } from "./record-parts.ts";
import type { Step } from "./step.ts";

/**
 * A grant's record: what was decided, and a journal of what was done about it. A file of JSON lines:
 *
 *     {"version":1,"grant":{...}}                            the decision
 *     {"operation":"grant","bootId":"...","steps":[...]}     the whole plan, in one write with the decision
 *     {"begin":0} {"begin":1} ...                            each step, before it is done
 *     {"end":"grant"}                                        all done: the grant is in force
 *     {"operation":"revoke","bootId":"...","steps":[...]}    and so on; the file goes when all is undone
 *     {"cancel":"revoke"}                                    or not: it was called off, and the grant is in force
 *     {"waiting":{"bootId":"...","reason":"..."}}            a persistent grant that could not be restored
 *
 * A restore in a later boot writes the file anew, with where things are by now, and the operation `restore`.
 * Every line is on the disk before what it announces is done.
 */
export interface GrantRecord {
  readonly grant: Grant;
  /** The last operation on the grant. */
  readonly operation: Operation;
  /** The boot it happened in: what a step did to the kernel's memory is gone in any other. */
  readonly bootId: string;
  readonly steps: readonly Step[];
  /** How many steps were begun; the last of them may or may not have been done. */
  readonly begun: number;
  /** `false`: it was interrupted, and `recover` has to bring it to an end. */
  readonly isComplete: boolean;
  /** Why a persistent grant is not in force: what `restore` found, and in which boot. */
  readonly waiting: Waiting | null;
}

export type Operation = "grant" | "restore" | "revoke";

export interface Waiting {
  readonly bootId: string;
  readonly reason: string;
}

/** Whether the machine is as the grant says: its steps are done, in this boot. Pure. */
export function isInForce(record: GrantRecord, bootId: string): boolean {
  return record.isComplete && record.bootId === bootId && record.waiting === null;
}

const operations = ["grant", "restore", "revoke"] as const;

/** Another number is another format: this program then does nothing. */
export const recordVersion = 1;

const bytes = v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));
const ownership = v.strictObject({
  uid: id,
  gid: id,
  mode: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777)),
});
const mac = v.pipe(v.string(), v.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/));
const vlan = v.pipe(id, v.maxValue(4095));
const vfSettings = v.strictObject({ mac, vlan });
const memlockState = v.strictObject({ bytes });
const presence = v.picklist(["absent", "loaded"]);

/** Root acts on what it reads here: every string that becomes a path or a value for the kernel is checked. */
const step = v.variant("kind", [
  v.strictObject({ kind: v.literal("module"), module: v.picklist(moduleNames), from: presence, to: presence }),
  v.strictObject({
    kind: v.literal("binding"),
    address: addressText,
    isForced: v.boolean(),
    from: binding,
    to: binding,
  }),
  v.strictObject({
    kind: v.literal("clean"),
    address: addressText,
    vendorId: id,
    deviceId: id,
    mayLackReset: v.boolean(),
    user: v.string(),
    home: binding,
    ownsStub: v.boolean(),
    from: v.picklist(["lent", "clean"]),
    to: v.picklist(["lent", "clean"]),
  }),
  v.strictObject({
    kind: v.literal("vf"),
    physicalFunction: addressText,
    index: id,
    from: vfSettings,
    to: vfSettings,
  }),
  v.strictObject({
    kind: v.literal("memlock"),
    uid: id,
    from: memlockState,
    to: memlockState,
    before: v.array(v.strictObject({ pid: id, startTime: id, softBytes: bytes, hardBytes: bytes })),
  }),
  v.strictObject({
    kind: v.literal("file"),
    path: v.pipe(v.string(), v.regex(/^\/etc\/security\/limits\.d\/hostdev-\d+\.conf$/)),
    from: v.nullable(v.string()),
    to: v.nullable(v.string()),
  }),
  v.strictObject({
    kind: v.literal("unit"),
    path: v.pipe(
      v.string(),
      v.regex(/^\/etc\/systemd\/system\/(hostdev-expire\.(timer|service)|user@\d+\.service\.d\/hostdev\.conf)$/),
    ),
    from: v.nullable(v.string()),
    to: v.nullable(v.string()),
  }),
  v.strictObject({
    kind: v.literal("owner"),
    path: v.pipe(v.string(), v.regex(/^\/dev\/vfio\/\d+$/)),
    from: ownership,
    to: ownership,
  }),
]);

const grantId = v.pipe(v.string(), v.regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](~[1-9][0-9]*)?$/));
const identity = v.strictObject({
  path: v.pipe(v.array(v.pipe(v.string(), v.regex(/^(pci[0-9a-f]{4,8}:)?[0-9a-f]{2}(\.[0-7])?$/))), v.minLength(2)),
  vendorId: id,
  deviceId: id,
  subsystemVendorId: id,
  subsystemDeviceId: id,
  classCode: id,
  revision: id,
  virtualFunctionIndex: v.nullable(id),
  serials: v.strictObject({
    device: v.nullable(v.string()),
    nvme: v.nullable(v.string()),
    mac: v.array(v.pipe(v.string(), v.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/))),
  }),
});
const endpoint = v.strictObject({
  address: addressText,
  role: v.picklist(["give", "hold"]),
  isForced: v.boolean(),
  identity,
});

const grant = v.strictObject({
  id: grantId,
  device: addressText,
  user: v.strictObject({ name: v.string(), uid: id, gid: id }),
  endpoints: v.pipe(v.array(endpoint), v.minLength(1)),
  group: id,
  memoryBytes: id,
  memlockBytes: id,
  virtualFunction: v.nullable(
    v.strictObject({
      physicalFunction: addressText,
      index: id,
      created: v.nullable(id),
      mac: v.nullable(mac),
      vlan: v.nullable(vlan),
    }),
  ),
  acceptsNoReset: v.boolean(),
  grantedAt: v.string(),
  grantedBy: v.string(),
  lease: v.strictObject({
    isPersistent: v.boolean(),
    expiresAt: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
    onExpiry: v.picklist(["wait", "kill"]),
  }),
  note: v.nullable(v.string()),
});

const header = v.strictObject({ version: v.literal(recordVersion), grant });
const line = v.union([
  v.strictObject({ operation: v.picklist(operations), bootId: v.string(), steps: v.array(step) }),
  v.strictObject({ begin: id }),
  v.strictObject({ end: v.picklist(operations) }),
  v.strictObject({ cancel: v.literal("revoke") }),
  v.strictObject({ waiting: v.strictObject({ bootId: v.string(), reason: v.string() }) }),
]);

/** The first line of a record. */
export function formatHeader(decided: Grant): string {
  return `${JSON.stringify({ version: recordVersion, grant: decided })}\n`;
}

/** Any later line of a record. */
export function formatLine(
  entry:
    | { readonly operation: Operation; readonly bootId: string; readonly steps: readonly Step[] }
    | { readonly begin: number }
    | { readonly end: Operation }
    | { readonly cancel: "revoke" }
    | { readonly waiting: Waiting },
): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * Reads a record. A last line without its line end was being written when the power went: it announces nothing.
 *
 * @throws {HostdevError} `HD_JOURNAL_INVALID` with the line, for anything that this program did not write.
 */
export function parseRecord(text: string, path: string): GrantRecord {
  const lines = text.split("\n").slice(0, -1);
  let record: GrantRecord | undefined;
  let decided: Grant | undefined;
  let inForce: GrantRecord | undefined;
  const invalid = (index: number, cause?: unknown) =>
    new HostdevError(
      "HD_JOURNAL_INVALID",
      `Cannot read line ${index + 1} of ${path}`,
      { path, line: index + 1 },
      { cause },
    );
  for (const [index, content] of lines.entries()) {
    try {
      const json: unknown = JSON.parse(content);
      if (decided === undefined) {
        decided = v.parse(header, json).grant;
        continue;
      }
      const entry = v.parse(line, json);
      if ("cancel" in entry) record = callOff(record, inForce);
      else record = follow(record, entry, decided);
      if (record.operation !== "revoke" && record.isComplete) inForce = record;
    } catch (cause) {
      throw invalid(index, cause);
    }
  }
  if (record === undefined) throw invalid(lines.length, new Error("no plan"));
  return record;
}

function callOff(record: GrantRecord | undefined, inForce: GrantRecord | undefined): GrantRecord {
  if (record?.operation !== "revoke" || record.isComplete || inForce === undefined)
    throw new Error("nothing to cancel");
  return inForce;
}

function follow(
  record: GrantRecord | undefined,
  entry: Exclude<v.InferOutput<typeof line>, { cancel: unknown }>,
  decided: Grant,
): GrantRecord {
  if ("operation" in entry) return { grant: decided, ...entry, begun: 0, isComplete: false, waiting: null };
  if (record !== undefined && "waiting" in entry) {
    // Also after a restore that came to nothing.
    if (!record.isComplete && record.operation !== "restore") throw new Error(`waiting inside ${record.operation}`);
    return { ...record, ...entry, isComplete: true };
  }
  if (record === undefined || record.isComplete) throw new Error("a step without a plan");
  if ("waiting" in entry) throw new Error("waiting without a plan");
  if ("end" in entry) {
    if (entry.end !== record.operation) throw new Error(`end of ${entry.end} inside ${record.operation}`);
    return { ...record, isComplete: true };
  }
  if (entry.begin !== record.begun || entry.begin >= record.steps.length) throw new Error("steps out of order");
  return { ...record, begun: entry.begin + 1 };
}
