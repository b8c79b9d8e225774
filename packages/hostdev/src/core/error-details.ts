// SPDX-License-Identifier: Apache-2.0

/** The facts that each error carries. */

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
  /** Clock ticks since boot: tells it from a later process with the same pid. */
  readonly startTime: number;
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
  /** All that the VM wants of the device's group; they are lent together. */
  readonly lend: readonly string[];
  /** The group's other endpoints, which the host would lose meanwhile. */
  readonly hold: readonly string[];
  /** The user has the group's node: a grant that is not enough has to end first. */
  readonly isLent: boolean;
}

/** A place in a text that the user gave. Lines and columns count from 1. */
export interface SourcePosition {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** Why an ordinary user cannot have a bridge of the host. */
export type BridgeProblem =
  | "missing"
  | "not-a-bridge"
  | "no-helper"
  | "helper-unprivileged"
  | "helper-forbidden"
  | "no-new-privileges"
  | "not-allowed";

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
  HD_IS_PLATFORM: { readonly address: string };
  /** The host uses endpoints of the group. */
  HD_IN_USE: { readonly address: string; readonly uses: readonly HostUse[] };
  /** Files that could tell whether the host uses `endpoints` cannot be read. */
  HD_USAGE_UNKNOWN: {
    readonly address: string;
    readonly endpoints: readonly string[];
    readonly unread: readonly string[];
  };
  HD_ALREADY_GRANTED: { readonly address: string; readonly user: string; readonly grant: string };
  HD_NOT_GRANTED: { readonly device: string };
  /** `mates` would lose their drivers, and the administrator did not name them. */
  HD_MATES_NOT_ACCEPTED: { readonly address: string; readonly group: number; readonly mates: readonly Blocker[] };
  /** A role was asked for an address that is not an endpoint of the group. */
  HD_NOT_A_MATE: { readonly address: string; readonly group: number; readonly endpoints: readonly string[] };
  /** `address` cannot be reset when it comes back; `device` is what was asked for. */
  HD_NO_RESET: { readonly address: string; readonly device: string };
  /** The host does not trust it since a user had it. */
  HD_QUARANTINED: { readonly address: string; readonly reason: string };
  HD_NOT_QUARANTINED: { readonly address: string };
  HD_NOT_A_PF: { readonly address: string };
  /** `count` of at most `totalVfs` are there. */
  HD_VF_NOT_FOUND: { readonly physicalFunction: string; readonly count: number; readonly totalVfs: number };
  HD_VFS_EXIST: { readonly physicalFunction: string; readonly count: number; readonly totalVfs: number };
  HD_VF_SETTINGS: { readonly physicalFunction: string; readonly index: number; readonly reason: string };
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
  /** All grants together would leave the host less than it is to keep; `grants` are those so far. */
  HD_MEMLOCK_BUDGET: {
    readonly requestedBytes: number;
    readonly lentBytes: number;
    readonly budgetBytes: number;
    readonly hostBytes: number;
    readonly grants: readonly { readonly device: string; readonly user: string; readonly memoryBytes: number }[];
  };
  HD_MEMORY_SHORT: { readonly requestedBytes: number; readonly availableBytes: number };
  HD_DEVICE_INSANE: { readonly address: string };
  HD_FILE: { readonly path: string; readonly operation: string; readonly errno: string };
  HD_KERNEL_WRITE: { readonly path: string; readonly value: string; readonly errno: string };
  /** The kernel did not return from the write; the writing process `pid` is left behind. */
  HD_KERNEL_WRITE_HANGS: { readonly path: string; readonly value: string; readonly pid: number };
  /** A process of a killed command still changes the kernel's state; `act` is what it does, as a clause. */
  HD_LEFTOVER_WRITE: { readonly pid: number; readonly act: string };
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
  /** `path` is a part of `program`, or on the way to it; `folder` has all of it, `null`: it is Node itself. */
  HD_PROGRAM_WRITABLE: {
    readonly path: string;
    readonly owner: string;
    readonly mode: string;
    readonly program: string;
    readonly folder: string | null;
  };
  HD_NO_SYSTEMD: Record<string, never>;
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
  HD_RPC_PROTOCOL: { readonly reason: string };
  HD_RPC_CLOSED: { readonly call: string };
  /** An error with libvirt's numbers, made by us or by a daemon that we asked. `detail` is the text without prefix. */
  HD_LIBVIRT_ERROR: {
    readonly number: number;
    readonly domain: number;
    readonly prefix: string;
    readonly detail: string;
  };
  /** `fixes`: what mends it, where that is known. */
  HD_PREFLIGHT_FAILED: { readonly domain: string; readonly findings: number; readonly fixes?: readonly string[] };
  HD_GUEST_PANICKED: { readonly domain: string };
  /** `domain` is the name, uuid or id that was asked for. */
  HD_NO_DOMAIN: { readonly domain: string };
  /** Another domain has that name or uuid already. */
  HD_DOMAIN_EXISTS: { readonly domain: string; readonly uuid: string };
  /** `state` in words; `wanted` is the state that the act needs. */
  HD_DOMAIN_STATE: { readonly domain: string; readonly state: string; readonly wanted: string };
  /** The device, as named in the message, is not in the guest. */
  HD_NO_GUEST_DEVICE: { readonly domain: string; readonly device: string };
  HD_GUEST_DEVICE_EXISTS: { readonly domain: string; readonly device: string };
  /** The guest's system has refused to let a device go. */
  HD_UNPLUG_REJECTED: { readonly domain: string; readonly alias: string };
  HD_CONSOLE_BUSY: { readonly domain: string; readonly console: string };
  /** `not-connected`: the guest has not opened the port. `silent`: it does not answer in time. */
  HD_AGENT_UNRESPONSIVE: {
    readonly domain: string;
    readonly reason: "not-connected" | "silent" | "gone" | "busy";
  };
  /** `description` is what the agent says; `class` is one of QMP's, such as `CommandNotFound`. */
  HD_AGENT_COMMAND: {
    readonly domain: string;
    readonly command: string;
    readonly class: string;
    readonly description: string;
  };
  /** The domain has no channel to an agent. */
  HD_NO_AGENT: { readonly domain: string };
  HD_NO_METADATA: { readonly domain: string };
  HD_NVRAM_KEPT: { readonly domain: string; readonly path: string };
  /** A file of the session's store is not what we wrote there. */
  HD_STORE_INVALID: { readonly path: string };
  /** `argument` is the kernel argument to add, or to take away. */
  HD_IOMMU_OFF: {
    readonly reason: "argument-missing" | "argument-forbids" | "kernel-refused" | "firmware" | "virtual-machine";
    readonly argument: string | null;
  };
  /** `argument` is the kernel argument that switches it off, if one does. */
  HD_INTERRUPT_REMAPPING_OFF: { readonly argument: string | null; readonly isVirtualMachine: boolean };
  HD_UNSAFE_SWITCH: { readonly switch: string };
  HD_QEMU_UNABLE: { readonly binary: string; readonly missing: string };
  /** Something else decides about drivers too; `remedy` is what keeps it off. */
  HD_OTHER_MANAGER: { readonly manager: string; readonly remedy: string };
  /** A function that nobody lent, but that the holder of its group can use. */
  HD_MATE_REACHABLE: {
    readonly address: string;
    readonly group: number;
    readonly user: string;
    readonly grant: string;
  };
  /** The firmware goes on using the device by DMA; `start` and `end` of the memory, in hexadecimal. */
  HD_FIRMWARE_RESERVED: { readonly address: string; readonly start: string; readonly end: string };
  HD_IOMMU_TOO_NARROW: { readonly address: string; readonly bits: number; readonly topBytes: number };
  /** The device, or its physical function, is in user hands, and QEMU would need the secret that they share. */
  HD_VF_TOKEN: { readonly address: string; readonly physicalFunction: string };
  /** Devices of one IOMMU group, each with DMA addresses of its own in the guest. */
  HD_GROUP_SPLIT: { readonly group: number; readonly addresses: readonly string[] };
  /** `what` is the part of the VM that wants to listen there. */
  HD_ADDRESS_IN_USE: { readonly address: string; readonly port: number; readonly what: string };
  /** A program that the VM needs beside QEMU is there, but cannot do it; `purpose` is the part of the VM. */
  HD_HELPER_UNABLE: { readonly program: string; readonly purpose: string; readonly remedy: string };
  /** `user` is who has the image: a VM, a process, another disk of the VM. */
  HD_IMAGE_IN_USE: { readonly path: string; readonly user: string };
  /** A virtual function has another MAC address than the VM is to have. */
  HD_VF_MAC: {
    readonly address: string;
    readonly physicalFunction: string;
    readonly index: number;
    readonly mac: string;
    readonly actual: string;
    readonly user: string;
  };
  /** `bridge` cannot be used; `helper` is the program that lends it to users, where it is known. */
  HD_NETWORK_BRIDGE: { readonly bridge: string; readonly problem: BridgeProblem; readonly helper?: string };
  HD_HUGEPAGES_SHORT: { readonly sizeKiB: number; readonly needed: number; readonly free: number };
  HD_LOCKED_MEMORY: { readonly hardBytes: number; readonly requiredBytes: number };
  HD_IMAGE_FORMAT: { readonly path: string; readonly expected: string };
  HD_TIMEOUT: { readonly what: string; readonly timeoutMs: number };
  HD_INTERNAL: Record<string, never>;
}

export type ErrorCode = keyof ErrorDetails;
