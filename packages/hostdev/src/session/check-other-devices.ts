// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { type Finding, note, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { HostDevice } from "../domain/devices/host-device.ts";
import type { Domain } from "../domain/domain.ts";
import { groupNode } from "../vfio/nodes.ts";
import { findUsbDevices, usbId, usbNode } from "./usb-devices.ts";

/** Checks the USB and mediated devices that a VM wants. Touches: reads sysfs. Needs: nothing. */
export function checkOtherDevices(host: Host, domain: Domain): readonly Finding[] {
  return domain.devices.hostDevices.flatMap((device) => {
    if (device.type === "usb") return checkUsb(host, device);
    return device.type === "mdev" ? checkMdev(host, device.source.uuid) : [];
  });
}

type UsbDevice = Extract<HostDevice, { type: "usb" }>;

function checkUsb(host: Host, { source }: UsbDevice): readonly Finding[] {
  const { vendor, product, address } = source;
  const name = address === undefined ? `${usbId(vendor)}:${usbId(product)}` : `${address.bus}.${address.device}`;
  const [found, ...others] = findUsbDevices(host, source);
  if (found === undefined) {
    const error = new HostdevError("HD_DEVICE_NOT_FOUND", `There is no USB device ${name}`, { device: name });
    // As libvirt we start without one that is said to be optional; QEMU waits for it.
    const mayBeAway = address === undefined && source.startupPolicy === "optional";
    return [toFinding(error, mayBeAway ? "warning" : "failure")];
  }
  if (others.length > 0) {
    const addresses = [found, ...others].map(({ bus, device }) => `bus ${bus} device ${device}`);
    const message = `There are ${addresses.length} USB devices ${name}: ${addresses.join(", ")}; <address> in <source> names one`;
    return [toFinding(new HostdevError("HD_DEVICE_AMBIGUOUS", message, { device: name, addresses }))];
  }
  const path = usbNode(found);
  if (host.canAccess(path, "read-write")) return [ok(`USB device ${name}: ${path}`)];
  const message = `Cannot use ${path} (USB device ${name}): you may not write it`;
  return [toFinding(new HostdevError("HD_FILE", message, { path, operation: "read-write", errno: "EACCES" }))];
}

function checkMdev(host: Host, uuid: string): readonly Finding[] {
  const device = `/sys/bus/mdev/devices/${uuid}`;
  const group = host.readLink(`${device}/iommu_group`)?.split("/").pop();
  if (group === undefined) {
    const message = `There is no mediated device ${uuid}`;
    return [toFinding(new HostdevError("HD_DEVICE_NOT_FOUND", message, { device: uuid }))];
  }
  const path = groupNode(Number(group));
  // Its driver pins memory while the guest runs, which no look beforehand can foretell.
  const later = note(`Mediated device ${uuid}: how much memory it locks shows only while the guest runs`);
  if (host.canAccess(path, "read-write")) return [ok(`${path} is accessible`), later];
  const isThere = host.status(path) !== undefined;
  const message = `Cannot use ${path} (mediated device ${uuid}): ${isThere ? "it is not yours" : "it does not exist"}`;
  const errno = isThere ? "EACCES" : "ENOENT";
  return [toFinding(new HostdevError("HD_FILE", message, { path, operation: "read-write", errno })), later];
}
