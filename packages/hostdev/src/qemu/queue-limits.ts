// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../domain/domain.ts";
import { unsupported } from "../xml/complaint.ts";
import { isAtLeast, type QemuVersion } from "./capabilities.ts";

/** The longest queue to the network where another program does not take it out itself. QEMU: virtio_net_max_tx_queue_size */
const longest = 256;
/** Earlier releases start, with the queue of 256 that they have. */
const refusedSince: QemuVersion = { major: 8, minor: 1 };

/**
 * Refuses a network card with a longer queue than this QEMU would start with, which libvirt leaves to QEMU. Pure.
 *
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED`.
 */
export function assertQueuesFit({ devices }: Domain, version: QemuVersion): void {
  if (!isAtLeast(version, refusedSince)) return;
  for (const card of devices.interfaces) {
    if (card.type === "hostdev" || card.type === "vhostuser" || card.type === "vdpa") continue;
    const size = card.driver?.txQueueSize ?? 0;
    if (size <= longest) continue;
    const what = `tx_queue_size='${size}' of ${card.alias ?? "the new card"} (${card.mac}), of type ${card.type}: QEMU allows ${longest}`;
    throw unsupported(card, what, `tx_queue_size='${longest}', or more for types vhostuser and vdpa`);
  }
}
