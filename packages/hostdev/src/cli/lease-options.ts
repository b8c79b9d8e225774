// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError } from "../core/errors.ts";
import type { Lease } from "../grants/lease.ts";

/** What the command line says of a lease. */
export interface LeaseOptions {
  readonly for?: string;
  readonly until?: string;
  readonly untilReboot?: true;
  readonly persistent?: true;
  readonly onExpiry?: string;
  readonly note?: string;
}

/** Adds the options of a lease to a command. */
export function addLeaseOptions(command: Command): Command {
  return command
    .option("--for <time>", "lend for so long, such as 90s, 30m, 2h or 7d")
    .option("--until <time>", "lend until then: 18:00 (the next one), or 2026-12-24T18:00")
    .option("--until-reboot", "a reboot ends it (the default)")
    .option("--persistent", "restored after a reboot, if it is the same device then")
    .option("--on-expiry <policy>", "a VM that has the device when the time is over: wait for it, or kill it", "wait")
    .option("--note <text>", "your own words, shown by `grants`");
}

/**
 * Reads the options of a lease.
 *
 * @param now for what is relative to it; hours of the day are local time.
 * @throws {HostdevError} `HD_INVALID_ARGUMENT`.
 */
export function parseLeaseOptions(options: LeaseOptions, now: Date): { lease: Lease; note?: string } {
  if (options.for !== undefined && options.until !== undefined)
    throw invalid("--until", options.until, "either --for or --until");
  if (options.untilReboot && options.persistent)
    throw invalid("--persistent", "", "either --until-reboot or --persistent");
  const { onExpiry = "wait", note } = options;
  if (onExpiry !== "wait" && onExpiry !== "kill") throw invalid("--on-expiry", onExpiry, "wait or kill");
  if (note !== undefined && !/^\P{Cc}{1,200}$/u.test(note))
    throw invalid("--note", note, "one line of at most 200 characters");
  const end =
    options.for !== undefined
      ? now.getTime() + parseSpan(options.for)
      : options.until !== undefined
        ? parseMoment(options.until, now).getTime()
        : undefined;
  const lease: Lease = {
    isPersistent: options.persistent === true,
    expiresAt: end === undefined ? null : new Date(end).toISOString(),
    onExpiry,
  };
  return { lease, ...(note === undefined ? {} : { note }) };
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const longestMs = 10 * 366 * 86_400_000;

/** `90s`, `30m`, `2h`, `7d`, in milliseconds. */
function parseSpan(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const milliseconds = Number(match?.[1]) * (unitMs[match?.[2] ?? ""] ?? Number.NaN);
  if (milliseconds > 0 && milliseconds <= longestMs) return milliseconds;
  throw invalid("--for", text, "a time above zero with its unit, such as 90s, 30m, 2h or 7d");
}

/** `18:00` today or tomorrow; `2026-12-24T18:00`, also with seconds, a blank for the T, and `Z` or an offset. */
function parseMoment(text: string, now: Date): Date {
  const wrong = (expected: string) => invalid("--until", text, expected);
  const hours = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (hours !== null) {
    const at = (day: number) => new Date(now.getFullYear(), now.getMonth(), day, Number(hours[1]), Number(hours[2]));
    const today = at(now.getDate());
    return today > now ? today : at(now.getDate() + 1);
  }
  const isDateTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?$/.test(text);
  const moment = new Date(isDateTime ? text.replace(" ", "T") : Number.NaN);
  // Date takes the 31st of February for the 3rd of March.
  const day = Number(text.slice(8, 10));
  const isReal = /Z|[+-]\d{2}:\d{2}$/.test(text.slice(10)) || moment.getDate() === day;
  if (Number.isNaN(moment.getTime()) || !isReal) throw wrong("a time such as 18:00 or 2026-12-24T18:00");
  if (moment <= now) throw wrong("a time that is still to come");
  if (moment.getTime() - now.getTime() > longestMs) throw wrong("a time in the next ten years");
  return moment;
}

function invalid(argument: string, value: string, expected: string): HostdevError {
  const what = value === "" ? argument : `${JSON.stringify(value)} as ${argument}`;
  return new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${what}`, { argument, value, expected });
}
