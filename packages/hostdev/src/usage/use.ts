// SPDX-License-Identifier: Apache-2.0

/** What the host can use a function for, the gravest first. */
export const useKinds = [
  "root",
  "remote-session",
  "swap",
  "mount",
  "storage-stack",
  "network",
  "console",
  "boot-vga",
  "input",
  "virtual-functions",
  "process",
] as const;

export type UseKind = (typeof useKinds)[number];

/** One reason why the host would miss a function. */
export interface Use {
  /** The function, `0000:01:00.0`. */
  readonly address: string;
  readonly kind: UseKind;
  /** How one gets from what the function drives to what needs it: `nvme0n1p2 -> dm-0 -> /home`. */
  readonly path: string;
  /** One sentence that names the function, without the final period. */
  readonly text: string;
}

/** What the host lives on. */
export interface Usage {
  /** In address order, and the gravest first. */
  readonly uses: readonly Use[];
  /** Files that this caller was not let to read; what they would tell is missing from `uses`. */
  readonly unread: readonly string[];
}

/** A use before it is known which functions it falls on: those that the device in sysfs hangs below. */
export interface Claim {
  readonly kind: UseKind;
  /** The place of a device in sysfs, with the functions in it: see `functionsAbove`. */
  readonly functions: readonly string[];
  readonly path: readonly string[];
  /** The sentence without its subject, the function: `carries the root file system`. */
  readonly does: string;
}
