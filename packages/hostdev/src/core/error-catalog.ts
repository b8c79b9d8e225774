// SPDX-License-Identifier: Apache-2.0

import type { ErrorCategory } from "./error-category.ts";
import type { Blocker, ErrorCode, ErrorDetails } from "./error-details.ts";
import { interruptRemappingHint, iommuHints } from "./iommu-hints.ts";
import { memoryHint } from "./memory-hint.ts";
import { askForGrant, bridgeHint, imageInUseHint, joinHints, vfMacHint } from "./vm-hints.ts";

/**
 * The closed list of everything that can go wrong, with what each code carries and what to do about it.
 *
 * Codes are append-only: scripts match on them. `docs/errors.md` is generated from this file.
 */

type Catalog = {
  readonly [C in ErrorCode]: {
    readonly category: ErrorCategory;
    /** One imperative sentence with the exact next command; `undefined` when nothing useful can be said. */
    readonly hint?: (details: ErrorDetails[C]) => string | undefined;
  };
};

const holds = (mates: readonly Blocker[]) => mates.map((mate) => `--hold ${mate.address}`).join(" ");

/** Category and hint of every code. */
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
  HD_USAGE_UNKNOWN: {
    category: "failed-precondition",
    hint: (d) => {
      const forced = d.endpoints.map((address) => `--force ${address}`).join(" ");
      return `Run it outside of containers, as a root that may read everything. Only if you know the use: ${forced}`;
    },
  },
  HD_IS_PLATFORM: { category: "invalid-argument", hint: () => "`hostdev devices --grantable` shows what can be lent." },
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
  HD_NO_RESET: {
    category: "failed-precondition",
    hint: (d) => `Only if you trust the user with that: hostdev-admin grant ${d.device} ... --accept-no-reset`,
  },
  HD_QUARANTINED: {
    category: "failed-precondition",
    hint: (d) => `Once you trust it (after a power cycle, say): hostdev-admin release ${d.address} --trust`,
  },
  HD_NOT_QUARANTINED: { category: "not-found", hint: () => "See what is: hostdev-admin grants" },
  HD_NOT_A_PF: {
    category: "invalid-argument",
    hint: () => "Name a device with SR-IOV: hostdev show DEV tells which has it.",
  },
  HD_VF_NOT_FOUND: {
    category: "not-found",
    hint: (d) =>
      d.count > 0
        ? `See who has them: hostdev show ${d.physicalFunction}`
        : d.totalVfs > 0
          ? `Have some made, ${d.totalVfs} at most: hostdev-admin grant ${d.physicalFunction} ... --create-vfs COUNT`
          : undefined,
  },
  HD_VFS_EXIST: {
    category: "conflict",
    hint: (d) => `Lend one that is there: hostdev-admin grant ${d.physicalFunction} ... --vf any`,
  },
  HD_VF_SETTINGS: {
    category: "failed-precondition",
    hint: () => "Without --mac and --vlan its user chooses them; ip link show tells what the driver knows.",
  },
  HD_GROUP_NOT_VIABLE: {
    category: "failed-precondition",
    hint: askForGrant,
  },
  HD_NOT_ON_VFIO: { category: "failed-precondition", hint: askForGrant },
  HD_GROUP_HELD: {
    category: "conflict",
    hint: (d) =>
      d.holders.length === 0
        ? "End what was given the device, such as a helper of the user's VM; if all else fails, log the user out."
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
  HD_MEMLOCK_BUDGET: {
    category: "resource-exhausted",
    hint: memoryHint,
  },
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
  HD_LEFTOVER_WRITE: {
    category: "unavailable",
    hint: (d) =>
      `See what it waits for: cat /proc/${d.pid}/stack; shut down what still has the device. When it has ended: hostdev-admin recover`,
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
  HD_PROGRAM_WRITABLE: {
    category: "failed-precondition",
    hint: (d) =>
      d.folder === null
        ? "Install Node where only root can write, such as by: apt-get install nodejs"
        : `Install hostdev's package; or: cp -rT --no-preserve=mode,ownership ${d.folder} /usr/local/lib/hostdev, and run it from there: node /usr/local/lib/hostdev/hostdev-admin.js`,
  },
  HD_NO_SYSTEMD: {
    category: "unsupported",
    hint: () => "Let the boot scripts run `hostdev-admin restore`, and cron `hostdev-admin expire` each minute.",
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
  HD_RPC_PROTOCOL: { category: "protocol" },
  HD_RPC_CLOSED: { category: "unavailable" },
  HD_LIBVIRT_ERROR: { category: "failed-precondition" },
  HD_PREFLIGHT_FAILED: { category: "failed-precondition", hint: (d) => joinHints(d.fixes ?? []) },
  HD_GUEST_PANICKED: { category: "failed-precondition" },
  HD_NO_DOMAIN: { category: "not-found", hint: () => "See what there is: hostdev list --all" },
  HD_DOMAIN_EXISTS: { category: "conflict", hint: (d) => `First remove it: hostdev undefine ${d.domain}` },
  HD_DOMAIN_STATE: { category: "failed-precondition", hint: () => "See its state: hostdev list --all" },
  HD_NO_GUEST_DEVICE: { category: "not-found", hint: (d) => `See what it has: hostdev dumpxml ${d.domain}` },
  HD_GUEST_DEVICE_EXISTS: { category: "conflict", hint: (d) => `See what it has: hostdev dumpxml ${d.domain}` },
  HD_UNPLUG_REJECTED: { category: "failed-precondition", hint: () => "Stop using the device in the guest first." },
  HD_CONSOLE_BUSY: { category: "conflict", hint: (d) => `Take it over: hostdev console ${d.domain} --force` },
  HD_AGENT_UNRESPONSIVE: { category: "unavailable", hint: () => "Start qemu-guest-agent in the guest, or use ACPI." },
  HD_AGENT_COMMAND: { category: "failed-precondition" },
  HD_NO_AGENT: { category: "unsupported", hint: () => "Give the VM a <channel> named org.qemu.guest_agent.0." },
  HD_NO_METADATA: { category: "not-found" },
  HD_NVRAM_KEPT: { category: "failed-precondition", hint: () => "Say what becomes of it: --nvram or --keep-nvram" },
  HD_STORE_INVALID: { category: "internal", hint: (d) => `Put ${d.path} right, or move it away.` },
  HD_IOMMU_OFF: { category: "failed-precondition", hint: (d) => iommuHints[d.reason](d.argument ?? "") },
  HD_INTERRUPT_REMAPPING_OFF: {
    category: "failed-precondition",
    hint: interruptRemappingHint,
  },
  HD_UNSAFE_SWITCH: {
    category: "failed-precondition",
    hint: (d) => `Take ${d.switch} out of /etc/modprobe.d and of the kernel's arguments, and reboot.`,
  },
  HD_QEMU_UNABLE: { category: "failed-precondition", hint: () => "Install a newer QEMU, or all of it." },
  HD_OTHER_MANAGER: { category: "conflict", hint: (d) => d.remedy },
  HD_MATE_REACHABLE: {
    category: "conflict",
    hint: (d) =>
      `Ask an administrator to run: hostdev-admin revoke ${d.grant}, and to grant anew, with --hold ${d.address}`,
  },
  HD_FIRMWARE_RESERVED: {
    category: "failed-precondition",
    hint: () => "This device cannot be lent on this machine; ask its vendor for a firmware without that (RMRR).",
  },
  HD_IOMMU_TOO_NARROW: { category: "failed-precondition", hint: () => "Give the VM less memory." },
  HD_VF_TOKEN: {
    category: "failed-precondition",
    hint: (d) =>
      `Ask an administrator to run: hostdev-admin revoke ${d.physicalFunction}, or to remove its virtual functions`,
  },
  HD_GROUP_SPLIT: {
    category: "failed-precondition",
    hint: () => "Put them on one pcie-to-pci-bridge, or take the <iommu> out of the domain.",
  },
  HD_ADDRESS_IN_USE: {
    category: "conflict",
    hint: (d) => `See who listens there: ss -ltnp 'sport = ${d.port}'; or give another port, or autoport='yes'.`,
  },
  HD_HELPER_UNABLE: { category: "failed-precondition", hint: (d) => d.remedy },
  HD_IMAGE_IN_USE: { category: "conflict", hint: imageInUseHint },
  HD_VF_MAC: { category: "failed-precondition", hint: vfMacHint },
  HD_NETWORK_BRIDGE: { category: "failed-precondition", hint: bridgeHint },
  HD_HUGEPAGES_SHORT: {
    category: "resource-exhausted",
    hint: (d) =>
      `Ask an administrator to run: echo ${d.needed} > /sys/kernel/mm/hugepages/hugepages-${d.sizeKiB}kB/nr_hugepages (beside those in use)`,
  },
  HD_LOCKED_MEMORY: {
    category: "resource-exhausted",
    hint: () => "Take <locked/> out of <memoryBacking>, or ask an administrator for a higher limit (memlock).",
  },
  HD_IMAGE_FORMAT: {
    category: "failed-precondition",
    hint: (d) => `See what it is: qemu-img info ${d.path}; then correct <driver type='...'/>.`,
  },
  HD_TIMEOUT: { category: "unavailable" },
  HD_INTERNAL: { category: "internal", hint: () => "This is a bug in hostdev; please report it with the text above." },
};
