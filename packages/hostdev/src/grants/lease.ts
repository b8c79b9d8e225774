// SPDX-License-Identifier: Apache-2.0

/** For how long a device is lent, and what happens then. */
export interface Lease {
  /** Whether `hostdev-admin restore` brings it back after a reboot; else a reboot ends it. */
  readonly isPersistent: boolean;
  /** ISO 8601, UTC; `null`: until it is taken back. */
  readonly expiresAt: string | null;
  /** What becomes of a VM that still has the device then: it is waited for, or ended. New ones cannot start. */
  readonly onExpiry: "wait" | "kill";
}

/** Until it is taken back, or a reboot. */
export const defaultLease: Lease = { isPersistent: false, expiresAt: null, onExpiry: "wait" };

/** Whether the time is over. Pure. */
export function isExpired({ expiresAt }: Lease, now: Date): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= now.getTime();
}

/** `until 2026-11-28 18:00Z`, for people. Pure. */
export function describeLease({ isPersistent, expiresAt }: Lease): string {
  const end = expiresAt === null ? "it is taken back" : formatTime(expiresAt);
  return isPersistent ? `until ${end}, also over reboots` : `until ${end}, or a reboot`;
}

/** `2026-11-28 18:00:00Z`. Pure. */
export function formatTime(iso: string): string {
  return iso.replace("T", " ").replace(/\.\d+Z$/, "Z");
}
