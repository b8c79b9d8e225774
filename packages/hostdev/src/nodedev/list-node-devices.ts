// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import { dirname, posix } from "node:path";
import type { Host } from "../core/host.ts";
import { type CapabilityType, kinds, typeOf } from "./capability.ts";
import type { CapabilityName } from "./capability-kind.ts";
import { dmiPath } from "./system.ts";
import { UdevDevice } from "./udev-device.ts";

/** A node device as a list needs it. `readNodeDevice` reads the rest. */
export interface ListedNodeDevice {
  /** libvirt's name, such as `pci_0000_01_00_0`. */
  readonly name: string;
  /** The name of the nearest listed device above; `null` for `computer` only. */
  readonly parent: string | null;
  readonly type: CapabilityType;
  readonly device: UdevDevice;
}

/** Where the kernel lists what may be a node device. libvirt looks everywhere, and finds no others on a PC. */
const folders: Readonly<Record<string, string>> = {
  pci: "/sys/bus/pci/devices",
  usb: "/sys/bus/usb/devices",
  scsi: "/sys/bus/scsi/devices",
  mdev: "/sys/bus/mdev/devices",
  net: "/sys/class/net",
  block: "/sys/class/block",
  scsi_generic: "/sys/class/scsi_generic",
  drm: "/sys/class/drm",
};

/**
 * Lists the machine's node devices with libvirt's names and parents, sorted as virsh does.
 *
 * Touches: reads `/sys/bus/...`, `/sys/class/...`, `/run/udev/data`. Needs: nothing. Cost: one readlink a PCI function,
 * up to three small files for each other device.
 * Source: libvirt `udevEnumerateDevices`, `udevSetParent`, `nodeDeviceGenerateName`, virsh `virshNodeDeviceSorter`.
 */
export function listNodeDevices(host: Host): readonly ListedNodeDevice[] {
  const computer: ListedNodeDevice = {
    name: "computer",
    parent: null,
    type: "system",
    device: new UdevDevice(host, "dmi", dmiPath),
  };
  const byName = new Map([[computer.name, computer]]);
  const byPath = new Map<string, string>();
  for (const device of readDevices(host)) {
    const type = typeOf(device);
    if (type === undefined) continue;
    const name = nameOf(device, kinds[type].nameEnd?.(device));
    // USB's 1-1.1.1 and 1-1:1.1 would be called the same: the later one stays, and nobody's parent is the other.
    byPath.delete(byName.get(name)?.device.path ?? "");
    byName.set(name, { name, parent: parentOf(device.path, byPath), type, device });
    byPath.set(device.path, name);
  }
  const sorted = [...byName.values()].map((listed) => ({ listed, key: listed.name.toLowerCase() }));
  return sorted.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ listed }) => listed);
}

/** All capabilities of a device, as libvirt counts them (`virNodeDeviceCapsListExport`). Needs: root to see `vpd`. */
export function capabilitiesOf({ type, device }: ListedNodeDevice): readonly CapabilityName[] {
  return [type, ...(kinds[type].further?.(device) ?? [])];
}

/** Parents before children, as libudev has them. */
function readDevices(host: Host): readonly UdevDevice[] {
  const devices = Object.entries(folders).flatMap(([subsystem, folder]) =>
    (host.list(folder) ?? []).flatMap((entry) => {
      const target = host.readLink(`${folder}/${entry}`); // `undefined`: gone, or a file such as drm's version
      return target === undefined ? [] : [new UdevDevice(host, subsystem, posix.resolve(folder, target))];
    }),
  );
  return devices.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function parentOf(path: string, byPath: ReadonlyMap<string, string>): string {
  for (let above = dirname(path); above !== "/"; above = dirname(above)) {
    const name = byPath.get(above);
    if (name !== undefined) return name;
  }
  return "computer";
}

/** Every byte but ASCII letters and digits becomes `_`. */
function nameOf({ subsystem, sysname }: UdevDevice, end: string | undefined): string {
  const text = end === undefined ? `${subsystem}_${sysname}` : `${subsystem}_${sysname}_${end}`;
  return Buffer.from(text)
    .toString("latin1")
    .replace(/[^A-Za-z0-9]/g, "_");
}
