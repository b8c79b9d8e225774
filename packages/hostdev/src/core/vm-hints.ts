// SPDX-License-Identifier: Apache-2.0
import type { ErrorDetails, GrantTarget } from "./error-details.ts";

/** Whom to ask for a device, and with which command: one that is not refused for its group's sake or an older grant's. */
export function askForGrant({ user, memoryMiB, lend, hold, isLent }: GrantTarget): string {
  const [device, ...others] = lend;
  const roles = [...others.map((address) => ` --give ${address}`), ...hold.map((address) => ` --hold ${address}`)];
  const grant = `hostdev-admin grant ${device} --to ${user} --memory ${memoryMiB}MiB${roles.join("")}`;
  return `Ask an administrator to run: ${isLent ? `hostdev-admin revoke ${device} && ` : ""}${grant}`;
}

/** Several hints as one; a command at the end of one gets no full stop, which would be copied with it. */
export function joinHints(hints: readonly string[]): string | undefined {
  if (hints.length === 0) return undefined;
  return hints.reduce((text, hint) => `${text}${text.endsWith(".") ? "" : ";"} ${hint}`);
}

/** What to do about a bridge that a user cannot have. */
export function bridgeHint({ bridge, problem, helper }: ErrorDetails["HD_NETWORK_BRIDGE"]): string {
  const ask = "Ask an administrator to run:";
  switch (problem) {
    case "missing":
    case "not-a-bridge":
      return "See the bridges of this machine: ip link show type bridge; or take <interface type='user'>.";
    case "no-helper":
      return "Ask an administrator to install it (Debian: qemu-system-common; Fedora: qemu-common).";
    case "helper-unprivileged":
      return `${ask} chmod u+s ${helper} (Debian, for good: dpkg-statoverride --update --add root root 4755 ${helper})`;
    case "helper-forbidden":
      return `${ask} chmod o+x ${helper}`;
    case "no-new-privileges":
      return "Start it from a login shell, or without NoNewPrivileges= in its unit.";
    case "not-allowed":
      return `${ask} mkdir -p /etc/qemu && echo "allow ${bridge}" >> /etc/qemu/bridge.conf`;
  }
}

/** What to do about a virtual function with another MAC address than the VM is to have. */
export function vfMacHint({ physicalFunction, index, user, mac }: ErrorDetails["HD_VF_MAC"]): string {
  const grant = `hostdev-admin grant ${physicalFunction} --vf ${index} --to ${user} --mac ${mac}`;
  return `Take <mac> out of the interface, or ask an administrator to run: ${grant}`;
}

/** What to do about an image that another VM, or another disk, has. */
export function imageInUseHint({ user }: ErrorDetails["HD_IMAGE_IN_USE"]): string {
  const first = user.startsWith("VM") ? `Shut down ${user} first, or` : "Either";
  return `${first} give it an image of its own; <shareable/> in both is for guests that agree on who writes when.`;
}
