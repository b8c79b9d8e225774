// SPDX-License-Identifier: Apache-2.0

/**
 * The closed list of everything that can go wrong, with what each code carries and what to do about it.
 *
 * Codes are append-only: scripts match on them. `docs/errors.md` is generated from this file.
 */

/** Decides the exit status of the commands (see `exitStatus`). */
export type ErrorCategory =
  | "invalid-argument"
  | "not-found"
  | "failed-precondition"
  | "permission-denied"
  | "resource-exhausted"
  | "conflict"
  | "unavailable"
  | "unsupported"
  | "protocol"
  | "internal";

/** Exit status per category; 0 is success, 1 is a check that found problems (`hostdev check`, `doctor`). */
export const exitStatus: Readonly<Record<ErrorCategory, number>> = {
  "invalid-argument": 2,
  "not-found": 3,
  "failed-precondition": 4,
  "permission-denied": 5,
  "resource-exhausted": 6,
  conflict: 7,
  unavailable: 8,
  unsupported: 9,
  protocol: 10,
  internal: 70,
};

/** An endpoint that keeps its group from being viable, and what drives it. */
export interface Blocker {
  readonly address: string;
  readonly driver: string;
}

/** What the host uses a function for: `path` leads from what it drives to what needs it. */
export interface HostUse {
  readonly address: string;
  readonly kind: string;
  readonly path: string;
}

/** A process that has a group node open. */
export interface HolderDetails {
  readonly pid: number;
  readonly user: string;
  readonly command: string;
  /** Name of the VM, when the process is a QEMU that was given one. */
  readonly vm?: string;
}

/** What the hint "ask for a grant" is made of: device, user, and the guest memory that he wants it for. */
export interface GrantTarget {
  readonly address: string;
  readonly user: string;
  readonly memoryMiB: number;
}

/** A place in a text that the user gave. Lines and columns count from 1. */
export interface SourcePosition {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** Facts each code carries: JSON values only, so that they survive the journal and `--json`. */
export interface ErrorDetails {
  /** An option or argument is malformed; `expected` says what is taken. */
  HD_INVALID_ARGUMENT: { readonly argument: string; readonly value: string; readonly expected: string };
  HD_INVALID_ADDRESS: { readonly text: string };
  HD_DEVICE_NOT_FOUND: { readonly device: string };
  HD_DEVICE_AMBIGUOUS: { readonly device: string; readonly addresses: readonly string[] };
  HD_USER_NOT_FOUND: { readonly user: string };
  HD_USER_IS_ROOT: { readonly user: string };
  HD_NEEDS_ROOT: { readonly command: string };
  HD_NO_IOMMU_GROUP: { readonly address: string; readonly anyGroups: boolean };
  HD_IS_BRIDGE: { readonly address: string };
  /** The host uses endpoints of the group. */
  HD_IN_USE: { readonly address: string; readonly uses: readonly HostUse[] };
  HD_ALREADY_GRANTED: { readonly address: string; readonly user: string; readonly grant: string };
  HD_NOT_GRANTED: { readonly device: string };
  /** `mates` would lose their drivers, and the administrator did not name them. */
  HD_MATES_NOT_ACCEPTED: { readonly address: string; readonly group: number; readonly mates: readonly Blocker[] };
  /** A role was asked for an address that is not an endpoint of the group. */
  HD_NOT_A_MATE: { readonly address: string; readonly group: number; readonly endpoints: readonly string[] };
  HD_GROUP_NOT_VIABLE: GrantTarget & { readonly group: number; readonly blockers: readonly Blocker[] };
  HD_NOT_ON_VFIO: GrantTarget & { readonly driver: string | null };
  HD_GROUP_HELD: { readonly group: number; readonly node: string; readonly holders: readonly HolderDetails[] };
  HD_NODE_MISSING: GrantTarget & { readonly path: string };
  HD_NODE_NOT_ACCESSIBLE: GrantTarget & { readonly path: string; readonly owner: string; readonly mode: string };
  /** Mode and owner allow it, and still the kernel refuses: a device cgroup, a container, a security module. */
  HD_NODE_FORBIDDEN: { readonly path: string; readonly errno: string };
  HD_KVM_NOT_ACCESSIBLE: { readonly path: string; readonly user: string };
  HD_NODE_BUSY: { readonly path: string };
  HD_CONTAINER_NOT_ACCESSIBLE: { readonly path: string; readonly mode: string | null };
  /** All in bytes; `null` is unlimited. */
  HD_MEMLOCK_TOO_LOW: GrantTarget & { readonly hardBytes: number | null; readonly requiredBytes: number };
  HD_MEMORY_EXCEEDS_HOST: { readonly requestedBytes: number; readonly hostBytes: number };
  HD_MEMORY_SHORT: { readonly requestedBytes: number; readonly availableBytes: number };
  HD_DEVICE_INSANE: { readonly address: string };
  HD_FILE: { readonly path: string; readonly operation: string; readonly errno: string };
  HD_KERNEL_WRITE: { readonly path: string; readonly value: string; readonly errno: string };
  /** The kernel did not return from the write; the writing process `pid` is left behind. */
  HD_KERNEL_WRITE_HANGS: { readonly path: string; readonly value: string; readonly pid: number };
  HD_PROBE_FAILED: { readonly address: string; readonly wanted: string | null; readonly found: string | null };
  /** The machine is in neither the state before a step nor the state after it. */
  HD_STATE_CONFLICT: {
    readonly what: string;
    readonly from: string;
    readonly to: string;
    readonly found: string;
  };
  HD_MODULE_MISSING: { readonly module: string };
  HD_COMMAND_NOT_FOUND: { readonly command: string };
  HD_COMMAND_FAILED: { readonly command: string; readonly status: number | null; readonly stderr: string };
  HD_LOCKED: { readonly path: string; readonly pid: number | null };
  HD_JOURNAL_INVALID: { readonly path: string; readonly line: number };
  HD_RECOVERY_NEEDED: { readonly grant: string; readonly operation: string };
  HD_UNDO_INCOMPLETE: { readonly grant: string; readonly steps: readonly string[] };
  HD_INTERRUPTED: { readonly signal: string };
  HD_XML_SYNTAX: SourcePosition;
  HD_XML_LIMIT: SourcePosition & { readonly limit: string };
  HD_DOMAIN_INVALID: SourcePosition & { readonly element: string };
  HD_DOMAIN_UNSUPPORTED: SourcePosition & { readonly element: string; readonly supported: string };
  HD_QEMU_NOT_FOUND: { readonly binary: string };
  HD_QEMU_FAILED: { readonly status: number | null; readonly signal: string | null; readonly output: string };
  HD_QMP_PROTOCOL: { readonly reason: string };
  HD_QMP_COMMAND: { readonly command: string; readonly class: string; readonly description: string };
  HD_QMP_TIMEOUT: { readonly command: string; readonly timeoutMs: number };
  HD_QMP_CLOSED: { readonly command: string };
  HD_PREFLIGHT_FAILED: { readonly domain: string; readonly findings: number };
  HD_GUEST_PANICKED: { readonly domain: string };
  HD_TIMEOUT: { readonly what: string; readonly timeoutMs: number };
  HD_INTERNAL: Record<string, never>;
}

export type ErrorCode = keyof ErrorDetails;

type Catalog = {
  readonly [C in ErrorCode]: {
    readonly category: ErrorCategory;
    /** One imperative sentence with the exact next command; `undefined` when nothing useful can be said. */
    readonly hint?: (details: ErrorDetails[C]) => string | undefined;
  };
};

const askForGrant = ({ address, user, memoryMiB }: GrantTarget) =>
  `Ask an administrator to run: hostdev-admin grant ${address} --to ${user} --memory ${memoryMiB}MiB`;
const holds = (mates: readonly Blocker[]) => mates.map((mate) => `--hold ${mate.address}`).join(" ");

export const catalog: Catalog = {
  HD_INVALID_ARGUMENT: { category: "invalid-argument", hint: (d) => `Give ${d.expected}.` },
  HD_INVALID_ADDRESS: {
    category: "invalid-argument",
    hint: () => "Write it like 0000:01:00.0, 01:00.0 or pci_0000_01_00_0; `hostdev devices` lists all.",
  },
  HD_DEVICE_NOT_FOUND: { category: "not-found", hint: () => "See what this machine has: hostdev devices" },
  HD_DEVICE_AMBIGUOUS: { category: "invalid-argument", hint: (d) => `Name one of ${d.addresses.join(", ")}.` },
  HD_USER_NOT_FOUND: { category: "not-found", hint: () => "List the users of this machine: getent passwd" },
  HD_USER_IS_ROOT: {
    category: "invalid-argument",
    hint: () => "Root can use every device already; name an ordinary user.",
  },
  HD_NEEDS_ROOT: { category: "permission-denied", hint: (d) => `Ask an administrator to run: sudo ${d.command}` },
  HD_NO_IOMMU_GROUP: {
    category: "failed-precondition",
    hint: (d) =>
      d.anyGroups
        ? "The platform's IOMMU does not cover this device; it cannot be lent."
        : "Switch the IOMMU on in the firmware (VT-d, AMD-Vi); on Intel also boot with intel_iommu=on.",
  },
  HD_IS_BRIDGE: {
    category: "invalid-argument",
    hint: () => "Bridges stay with the host; lend an endpoint behind it. `hostdev groups` shows them.",
  },
  HD_IN_USE: {
    category: "failed-precondition",
    hint: (d) => {
      const forced = [...new Set(d.uses.map((use) => use.address))].map((address) => `--force ${address}`).join(" ");
      return `Make the host do without it first. Only if you are sure that it can: ${forced}`;
    },
  },
  HD_ALREADY_GRANTED: { category: "conflict", hint: (d) => `First take it back: hostdev-admin revoke ${d.address}` },
  HD_NOT_GRANTED: { category: "not-found", hint: () => "See what is lent: hostdev-admin grants" },
  HD_MATES_NOT_ACCEPTED: {
    category: "failed-precondition",
    hint: (d) =>
      `Accept by name that the host loses them meanwhile: hostdev-admin grant ${d.address} ... ${holds(d.mates)}`,
  },
  HD_NOT_A_MATE: {
    category: "invalid-argument",
    hint: (d) => `The endpoints of group ${d.group} are ${d.endpoints.join(", ")}.`,
  },
  HD_GROUP_NOT_VIABLE: {
    category: "failed-precondition",
    hint: (d) => `${askForGrant(d)} ${holds(d.blockers)}`,
  },
  HD_NOT_ON_VFIO: { category: "failed-precondition", hint: askForGrant },
  HD_GROUP_HELD: {
    category: "conflict",
    hint: (d) =>
      d.holders.length === 0
        ? "Another process has the group open; try again when it has ended."
        : `Shut down ${d.holders.map((h) => (h.vm === undefined ? `process ${h.pid}` : `VM "${h.vm}"`)).join(", ")} first.`,
  },
  HD_NODE_MISSING: { category: "failed-precondition", hint: askForGrant },
  HD_NODE_NOT_ACCESSIBLE: { category: "permission-denied", hint: askForGrant },
  HD_NODE_FORBIDDEN: {
    category: "permission-denied",
    hint: () => "Look for a device cgroup, a container or a security module (dmesg, journalctl -k) that refuses it.",
  },
  HD_KVM_NOT_ACCESSIBLE: {
    category: "permission-denied",
    hint: (d) =>
      `Ask an administrator to run: adduser ${d.user} kvm (in force after the next login), or use type='qemu'`,
  },
  HD_NODE_BUSY: {
    category: "conflict",
    hint: () => "Stop the VM that uses the group; root sees it with: hostdev show DEV",
  },
  HD_CONTAINER_NOT_ACCESSIBLE: {
    category: "failed-precondition",
    hint: (d) => `Ask an administrator to run: modprobe vfio && chmod 0666 ${d.path}`,
  },
  HD_MEMLOCK_TOO_LOW: { category: "resource-exhausted", hint: askForGrant },
  HD_MEMORY_EXCEEDS_HOST: { category: "resource-exhausted", hint: () => "Give less with --memory." },
  HD_MEMORY_SHORT: { category: "resource-exhausted", hint: () => "Stop something, or give the VM less memory." },
  HD_DEVICE_INSANE: {
    category: "failed-precondition",
    hint: () => "The device has dropped off the bus; only a power cycle of the machine brings it back.",
  },
  HD_FILE: { category: "failed-precondition" },
  HD_KERNEL_WRITE: { category: "failed-precondition", hint: () => "The kernel's reason is often in: dmesg | tail" },
  HD_KERNEL_WRITE_HANGS: {
    category: "unavailable",
    hint: () => "Something in the kernel still uses the device; see dmesg, and do not repeat the command.",
  },
  HD_PROBE_FAILED: {
    category: "failed-precondition",
    hint: (d) => `The driver's reason is in: dmesg | grep ${d.address}`,
  },
  HD_STATE_CONFLICT: {
    category: "conflict",
    hint: () => "Somebody else changed it meanwhile. Set it back by hand, then run: hostdev-admin recover",
  },
  HD_MODULE_MISSING: {
    category: "failed-precondition",
    hint: (d) => `Install the kernel's module package, then try: modprobe ${d.module}`,
  },
  HD_COMMAND_NOT_FOUND: { category: "failed-precondition", hint: (d) => `Install the package that has ${d.command}.` },
  HD_COMMAND_FAILED: { category: "failed-precondition" },
  HD_LOCKED: {
    category: "conflict",
    hint: (d) => (d.pid === null ? "Try again in a moment." : `Wait for process ${d.pid} to end, then try again.`),
  },
  HD_JOURNAL_INVALID: {
    category: "internal",
    hint: (d) => `Nothing was changed. Look at ${d.path}, and undo by hand what it lists.`,
  },
  HD_RECOVERY_NEEDED: { category: "conflict", hint: () => "Finish what was interrupted: hostdev-admin recover" },
  HD_UNDO_INCOMPLETE: {
    category: "conflict",
    hint: () => "Remove the cause, then finish with: hostdev-admin recover",
  },
  HD_INTERRUPTED: { category: "unavailable" },
  HD_XML_SYNTAX: { category: "invalid-argument" },
  HD_XML_LIMIT: { category: "invalid-argument" },
  HD_DOMAIN_INVALID: { category: "invalid-argument" },
  HD_DOMAIN_UNSUPPORTED: { category: "unsupported", hint: (d) => `Supported is ${d.supported}.` },
  HD_QEMU_NOT_FOUND: { category: "failed-precondition", hint: () => "Install QEMU: apt-get install qemu-system-x86" },
  HD_QEMU_FAILED: { category: "failed-precondition" },
  HD_QMP_PROTOCOL: { category: "protocol" },
  HD_QMP_COMMAND: { category: "failed-precondition" },
  HD_QMP_TIMEOUT: { category: "unavailable" },
  HD_QMP_CLOSED: { category: "unavailable" },
  HD_PREFLIGHT_FAILED: { category: "failed-precondition" },
  HD_GUEST_PANICKED: { category: "failed-precondition" },
  HD_TIMEOUT: { category: "unavailable" },
  HD_INTERNAL: { category: "internal", hint: () => "This is a bug in hostdev; please report it with the text above." },
};
