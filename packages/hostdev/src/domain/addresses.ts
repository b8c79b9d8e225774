// SPDX-License-Identifier: Apache-2.0
import { assignMemorySlots } from "./addresses/memory-slots.ts";
import { assignPciAddresses } from "./addresses/pci.ts";
import type { Expressness } from "./addresses/pci-devices.ts";
import { assignUsbAddresses } from "./addresses/usb.ts";
import { assignVirtioSerialAddresses } from "./addresses/virtio-serial.ts";
import type { Domain } from "./domain.ts";

export type { Expressness } from "./addresses/pci-devices.ts";

/**
 * Gives every device its address in the guest, in place, as libvirt would: PCI, USB ports, virtio-serial ports,
 * memory slots. Addresses in the XML are kept. Run it after `fillDefaults`.
 *
 * @param expressness tells of a host device whether it is PCI Express; unknown ones are taken for it.
 * @throws {HostdevError} `HD_DOMAIN_INVALID` when addresses collide, do not fit, or run out.
 */
export function assignAddresses(domain: Domain, expressness: Expressness = () => undefined): void {
  assignVirtioSerialAddresses(domain);
  assignPciAddresses(domain, expressness);
  assignUsbAddresses(domain);
  assignMemorySlots(domain);
}
