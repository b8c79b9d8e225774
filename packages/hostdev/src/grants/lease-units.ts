// SPDX-License-Identifier: Apache-2.0
import { ownMark } from "../memlock/login-limits.ts";
import type { Lease } from "./lease.ts";

/** The timer that ends leases, and what it starts. There while there is a lease with an end. */
export const leaseTimerPath = "/etc/systemd/system/hostdev-expire.timer";
export const leaseServicePath = "/etc/systemd/system/hostdev-expire.service";

/**
 * The timer's text: it elapses when each lease ends, and then each minute, for those that are still in use. Pure.
 *
 * @returns `null` when no lease has an end.
 * @see systemd.timer(5), systemd.time(7)
 */
export function formatLeaseTimer(leases: readonly Lease[]): string | null {
  const ends = [...new Set(leases.flatMap(({ expiresAt }) => (expiresAt === null ? [] : [expiresAt])))].sort();
  if (ends.length === 0) return null;
  // Rounded up: a timer that elapses before the end finds nothing to do. Of moments that are over when it starts systemd
  // takes no notice, and a short lease may be over before its grant is done: so each has a second and a third one.
  const text = (iso: string, minutes: number) => {
    const moment = new Date(Math.ceil(Date.parse(iso) / 1000) * 1000 + minutes * 60_000);
    return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  };
  return [
    `${ownMark} for the leases in force; it goes with the last of them.`,
    "[Unit]",
    "Description=End of device leases",
    "",
    "[Timer]",
    ...ends.flatMap((end) => [0, 1, 10].map((minutes) => `OnCalendar=${text(end, minutes)}`)),
    "OnUnitInactiveSec=1min",
    "AccuracySec=1s",
    "",
  ].join("\n");
}

/**
 * The text of the service that the timer starts. Pure.
 *
 * @param program the words that start `hostdev-admin`, the first one absolute.
 */
export function formatLeaseService(program: readonly string[]): string {
  return [
    `${ownMark} for the leases in force; it goes with the last of them.`,
    "[Unit]",
    "Description=Take back devices whose lease is over",
    "Documentation=man:hostdev-admin(8)",
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${commandLine([...program, "expire"])}`,
    "TimeoutStartSec=5min",
    "",
  ].join("\n");
}

/** A command line as systemd reads it: every word quoted, with its specifiers and variables escaped. Pure. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@/:.,+=-]+$/.test(word) ? word : quote(word))).join(" ");
}

function quote(word: string): string {
  const escaped = word.replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$").replaceAll("\n", "\\n");
  return `"${escaped}"`;
}
