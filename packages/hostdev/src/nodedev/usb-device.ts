// SPDX-License-Identifier: Apache-2.0
import type { CapabilityKind } from "./capability-kind.ts";
import { toNumber, type UdevDevice } from "./udev-device.ts";
import { idElement, textElement } from "./xml-output.ts";

/** A USB device, root hubs too. */
export interface UsbDeviceCapability {
  readonly type: "usb_device";
  readonly bus: number;
  readonly device: number;
  /** Names as in udev's hardware database, else as the device says. */
  readonly product: { readonly id: number; readonly name: string | null };
  readonly vendor: { readonly id: number; readonly name: string | null };
}

/** libvirt: `udevProcessUSBDevice`, `virNodeDeviceCapUSBDevDefFormat`. */
export const usbDeviceKind: CapabilityKind<UsbDeviceCapability> = {
  read: (device) => ({
    type: "usb_device",
    bus: toNumber(device.property("BUSNUM"), 10) ?? 0,
    device: toNumber(device.property("DEVNUM"), 10) ?? 0,
    product: describe(device, "MODEL", "idProduct", "product"),
    vendor: describe(device, "VENDOR", "idVendor", "manufacturer"),
  }),
  format: ({ bus, device, product, vendor }) => [
    ...textElement("bus", bus),
    ...textElement("device", device),
    idElement("product", product.id, product.name),
    idElement("vendor", vendor.id, vendor.name),
  ],
};

/** The ids' files are for machines without udev, where libvirt says 0. */
function describe(device: UdevDevice, property: string, idFile: string, nameFile: string) {
  return {
    id: toNumber(device.property(`ID_${property}_ID`), 16) ?? device.number(idFile, 16) ?? 0,
    name: device.property(`ID_${property}_FROM_DATABASE`) ?? device.attribute(nameFile) ?? null,
  };
}
