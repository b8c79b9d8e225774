// SPDX-License-Identifier: Apache-2.0
import type { CapabilityKind } from "./capability-kind.ts";
import { textElement } from "./xml-output.ts";

/** An interface of a USB device; numbers of 8 bits. */
export interface UsbInterfaceCapability {
  readonly type: "usb";
  readonly number: number;
  readonly class: number;
  readonly subclass: number;
  readonly protocol: number;
}

/** libvirt: `udevProcessUSBInterface`, `virNodeDeviceCapUSBInterfaceDefFormat`. */
export const usbInterfaceKind: CapabilityKind<UsbInterfaceCapability> = {
  read: (device) => ({
    type: "usb",
    number: device.number("bInterfaceNumber", 16) ?? 0,
    class: device.number("bInterfaceClass", 16) ?? 0,
    subclass: device.number("bInterfaceSubClass", 16) ?? 0,
    protocol: device.number("bInterfaceProtocol", 16) ?? 0,
  }),
  format: ({ number, class: code, subclass, protocol }) => [
    ...textElement("number", number),
    ...textElement("class", code),
    ...textElement("subclass", subclass),
    ...textElement("protocol", protocol),
  ],
};
