// SPDX-License-Identifier: Apache-2.0
import { formatSize, GiB, KiB, MiB } from "../core/units.ts";

/** One reason for locked memory. */
export interface MemlockTerm {
  readonly what: string;
  readonly bytes: number;
}

export interface MemlockRequirement {
  readonly bytes: number;
  readonly terms: readonly MemlockTerm[];
}

/** What of a VM is pinned when it has an assigned device. All in bytes. */
export interface PinnedMemory {
  readonly guestBytes: number;
  /** Video memory of emulated graphics cards. */
  readonly videoBytes: number;
  /** With a vIOMMU each assigned device has an address space, and a full copy of the pins, of its own. */
  readonly addressSpaces: number;
}

/** Firmware, its alias below 1 MiB, ACPI tables and option ROMs: 0.6 to 1.7 MiB in the machines measured. */
const romBytes = 2 * MiB;

/**
 * What the kernel pins for a VM with assigned devices: everything of the guest's address space that is memory,
 * since the devices may reach all of it. It is counted for the QEMU process (type1 container, one per VM).
 *
 * Pure. Checked against the kernel by `lab/scenarios/memlock.test.ts`.
 */
export function pinnedRequirement({ guestBytes, videoBytes, addressSpaces }: PinnedMemory): MemlockRequirement {
  const terms = [
    { what: "guest memory", bytes: guestBytes * addressSpaces },
    { what: "firmware and ROMs", bytes: romBytes * addressSpaces },
    { what: "video memory", bytes: videoBytes * addressSpaces },
  ].filter((term) => term.bytes > 0);
  return { terms, bytes: terms.reduce((sum, term) => sum + term.bytes, 0) };
}

/**
 * What a grant allows for a VM of this size: libvirt's larger formula, guest memory + 1 GiB, so that a stock libvirt
 * session daemon, which refuses to start with less, works on the grant too.
 *
 * Pure. Source: `qemuDomainGetMemLockLimitBytes`.
 */
export function grantedBytes(guestBytes: number): number {
  return Math.ceil((guestBytes + GiB) / KiB) * KiB;
}

/** The requirement in words: `258 MiB (256 MiB guest memory + 2 MiB firmware and ROMs)`. */
export function describeRequirement({ bytes, terms }: MemlockRequirement): string {
  return `${formatSize(bytes)} (${terms.map((term) => `${formatSize(term.bytes)} ${term.what}`).join(" + ")})`;
}
