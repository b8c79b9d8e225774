// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { HostDeviceOf } from "../domain/devices/host-device.ts";
import type { Domain } from "../domain/domain.ts";
import { readAttribute } from "../pci/sysfs.ts";

const usbDevices = "/sys/bus/usb/devices";

type UsbDevice = HostDeviceOf<"usb">;

/** A USB device of the host: where it is now. */
export interface UsbPlace {
  readonly bus: number;
  readonly device: number;
}

/** The devices that `<source>` means: the one at its address, or all of its vendor and product. Touches: reads sysfs. */
export function findUsbDevices(host: Host, { vendor, product, address }: UsbDevice["source"]): readonly UsbPlace[] {
  const found = (host.list(usbDevices) ?? []).flatMap((entry) => {
    const read = (file: string) => readAttribute(host, `${usbDevices}/${entry}/${file}`);
    const place = { bus: Number(read("busnum")), device: Number(read("devnum")) };
    const isMeant =
      address === undefined
        ? read("idVendor") === usbId(vendor) && read("idProduct") === usbId(product)
        : place.bus === address.bus && place.device === address.device;
    return isMeant ? [place] : [];
  });
  return found.sort((one, other) => one.bus - other.bus || one.device - other.device);
}

/**
 * Notes where the USB devices of a domain are that it knows by vendor and product, as libvirt does in its live XML: QEMU
 * then takes just that one, and says so when it cannot. One that is not there, QEMU waits for.
 */
export function locateUsbDevices(host: Host, { devices }: Domain): void {
  for (const device of devices.hostDevices) if (device.type === "usb") locateUsbDevice(host, device);
}

/** As `locateUsbDevices`, for one. */
export function locateUsbDevice(host: Host, { source }: UsbDevice): void {
  if (source.address !== undefined) return;
  const [found, ...others] = findUsbDevices(host, source);
  if (found !== undefined && others.length === 0) source.address = found;
}

/** The node in `/dev` of a USB device. */
export function usbNode({ bus, device }: UsbPlace): string {
  const padded = (number: number) => String(number).padStart(3, "0");
  return `/dev/bus/usb/${padded(bus)}/${padded(device)}`;
}

/** A vendor or product as sysfs writes it. */
export function usbId(id: number | undefined): string {
  return (id ?? 0).toString(16).padStart(4, "0");
}
