// SPDX-License-Identifier: Apache-2.0
import type { Disk } from "../../domain/devices/disk.ts";
import type { NetworkInterface } from "../../domain/devices/network-interface.ts";
import type { Domain } from "../../domain/domain.ts";

type BootDevice = Domain["os"]["boot"][number];

/**
 * The boot index of a disk or interface: its own, or that of the kind of device that `<os>` names, which is only for
 * the first device of that kind. libvirt: qemuBuildDisksCommandLine.
 */
export function bootIndex(domain: Domain, device: Disk | NetworkInterface): number | undefined {
  if (device.boot !== undefined) return device.boot.order;
  const place = domain.os.boot.indexOf(kindOf(device));
  if (place < 0) return undefined;
  const all: readonly (Disk | NetworkInterface)[] = isDisk(device) ? domain.devices.disks : domain.devices.interfaces;
  const first = all.find((other) => kindOf(other) === kindOf(device));
  return first === device ? place + 1 : undefined;
}

function isDisk(device: Disk | NetworkInterface): device is Disk {
  return "target" in device && device.target !== undefined && "device" in device;
}

function kindOf(device: Disk | NetworkInterface): BootDevice {
  if (!isDisk(device)) return "network";
  if (device.device === "cdrom") return "cdrom";
  return device.device === "floppy" ? "fd" : "hd";
}
