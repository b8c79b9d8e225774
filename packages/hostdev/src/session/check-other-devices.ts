// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { type Finding, note, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { HostDevice } from "../domain/devices/host-device.ts";
import type { Domain } from "../domain/domain.ts";
import { readAttribute } from "../pci/sysfs.ts";
import { groupNode } from "../vfio/nodes.ts";

const usbDevices = "/sys/bus/usb/devices";

/** Checks the USB and mediated devices that a VM wants. Touches: reads sysfs. Needs: nothing. */
export function checkOtherDevices(host: Host, domain: Domain): readonly Finding[] {
  return domain.devices.hostDevices.flatMap((device) => {
    if (device.type === "usb") return checkUsb(host, device);
    return device.type === "mdev" ? checkMdev(host, device.source.uuid) : [];
  });
}

type UsbDevice = Extract<HostDevice, { type: "usb" }>;

function checkUsb(host: Host, device: UsbDevice): readonly Finding[] {
  const { vendor, product, address } = device.source;
  const hex = (id: number | undefined) => (id ?? 0).toString(16).padStart(4, "0");
  const name = address === undefined ? `${hex(vendor)}:${hex(product)}` : `${address.bus}.${address.device}`;
  const matches = (host.list(usbDevices) ?? []).filter((entry) => {
    const is = (file: string, value: string | number) =>
      readAttribute(host, `${usbDevices}/${entry}/${file}`) === String(value);
    if (address !== undefined) return is("busnum", address.bus) && is("devnum", address.device);
    return is("idVendor", hex(vendor)) && is("idProduct", hex(product));
  });
  const [found, ...others] = matches;
  if (found === undefined) {
    const error = new HostdevError("HD_DEVICE_NOT_FOUND", `There is no USB device ${name}`, { device: name });
    // As libvirt we start without one that is said to be optional; QEMU waits for it.
    const mayBeAway = address === undefined && device.source.startupPolicy === "optional";
    return [toFinding(error, mayBeAway ? "warning" : "failure")];
  }
  const number = (file: string, entry = found) =>
    (readAttribute(host, `${usbDevices}/${entry}/${file}`) ?? "").padStart(3, "0");
  if (others.length > 0) {
    const addresses = matches.map(
      (entry) => `bus ${Number(number("busnum", entry))} device ${Number(number("devnum", entry))}`,
    );
    const message = `There are ${matches.length} USB devices ${name}: ${addresses.join(", ")}; <address> in <source> names one`;
    return [toFinding(new HostdevError("HD_DEVICE_AMBIGUOUS", message, { device: name, addresses }))];
  }
  const path = `/dev/bus/usb/${number("busnum")}/${number("devnum")}`;
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
