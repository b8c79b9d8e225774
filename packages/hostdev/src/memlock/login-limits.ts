// SPDX-License-Identifier: Apache-2.0
import { KiB } from "../core/units.ts";

/** How files of ours begin. */
export const ownMark = "# Written by hostdev-admin";

/** The file that raises a user's limit at later logins, through pam_limits. One file a user, ours alone. */
export function loginLimitsPath(uid: number): string {
  return `/etc/security/limits.d/hostdev-${uid}.conf`;
}

/** The file's text. `bytes` is written in KiB, limits.conf's unit. Pure. @see limits.conf(5) */
export function formatLoginLimits(uid: number, bytes: number): string {
  // By number, as uid: range, which pam_limits takes since 1.1.2: a name could hold the file's own syntax.
  const range = `${uid}:${uid}`;
  return `${ownMark} for the devices lent to uid ${uid}; it goes with the last of them.\n${range} - memlock ${Math.ceil(bytes / KiB)}\n`;
}

/** The limit in bytes that the text sets; `undefined` when it is not ours. */
export function parseLoginLimits(text: string): number | undefined {
  const match = /^\d+:\d+ - memlock (\d+)$/m.exec(text);
  return match === null ? undefined : Number(match[1]) * KiB;
}

/**
 * The drop-in that raises the limit of the user's service manager at its next start, and so of what it starts. pam_limits
 * does that only where the manager's own PAM file asks it (Debian's does, systemd's own does not).
 */
export function managerLimitsPath(uid: number): string {
  return `/etc/systemd/system/user@${uid}.service.d/hostdev.conf`;
}

/** The drop-in's text. Pure. @see systemd.exec(5), LimitMEMLOCK= */
export function formatManagerLimits(uid: number, bytes: number): string {
  return `${ownMark} for the devices lent to uid ${uid}; it goes with the last of them.\n[Service]\nLimitMEMLOCK=${bytes}\n`;
}
