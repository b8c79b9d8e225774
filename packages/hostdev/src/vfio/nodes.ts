// SPDX-License-Identifier: Apache-2.0
import type { Ownership } from "../core/host.ts";

/** The legacy container, which QEMU opens beside the group; 0666 by the kernel's and udev's own rule. */
export const containerNode = "/dev/vfio/vfio";

/** The device node of a group. It exists while a member is bound to a vfio driver, and is the kernel's. */
export function groupNode(group: number): string {
  return `/dev/vfio/${group}`;
}

/** How the kernel makes group nodes. */
export const freshNodeOwnership: Ownership = { uid: 0, gid: 0, mode: 0o600 };
