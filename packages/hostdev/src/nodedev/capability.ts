// SPDX-License-Identifier: Apache-2.0
import type { XmlOutput } from "../xml/writer.ts";
import type { CapabilityKind } from "./capability-kind.ts";
import { type DrmCapability, drmKind } from "./drm.ts";
import { type MdevCapability, mdevKind } from "./mdev.ts";
import { type NetCapability, netKind } from "./net.ts";
import { type PciCapability, pciKind } from "./pci.ts";
import { type ScsiDeviceCapability, scsiDeviceKind } from "./scsi-device.ts";
import { type ScsiGenericCapability, scsiGenericKind } from "./scsi-generic.ts";
import { type ScsiHostCapability, scsiHostKind } from "./scsi-host.ts";
import { type ScsiTargetCapability, scsiTargetKind } from "./scsi-target.ts";
import { type StorageCapability, storageKind } from "./storage.ts";
import { type SystemCapability, systemKind } from "./system.ts";
import type { UdevDevice } from "./udev-device.ts";
import { type UsbDeviceCapability, usbDeviceKind } from "./usb-device.ts";
import { type UsbInterfaceCapability, usbInterfaceKind } from "./usb-interface.ts";

/** What a node device is, with all that is known of it as such. */
export type Capability =
  | DrmCapability
  | MdevCapability
  | NetCapability
  | PciCapability
  | ScsiDeviceCapability
  | ScsiGenericCapability
  | ScsiHostCapability
  | ScsiTargetCapability
  | StorageCapability
  | SystemCapability
  | UsbDeviceCapability
  | UsbInterfaceCapability;
/** libvirt's name of it. */
export type CapabilityType = Capability["type"];

/** All kinds of node devices. */
export const kinds: { readonly [T in CapabilityType]: CapabilityKind<Extract<Capability, { readonly type: T }>> } = {
  drm: drmKind,
  mdev: mdevKind,
  net: netKind,
  pci: pciKind,
  scsi: scsiDeviceKind,
  scsi_generic: scsiGenericKind,
  scsi_host: scsiHostKind,
  scsi_target: scsiTargetKind,
  storage: storageKind,
  system: systemKind,
  usb: usbInterfaceKind,
  usb_device: usbDeviceKind,
};

/** What is inside a `<capability>`. Pure. */
export function formatCapability(capability: Capability): readonly XmlOutput[] {
  // By its type, `kinds` has the kind of this very capability here; the compiler can't follow.
  const kind = kinds[capability.type] as CapabilityKind<Capability>;
  return kind.format(capability);
}

const byDevtype: Readonly<Record<string, CapabilityType>> = {
  disk: "storage",
  drm_minor: "drm",
  scsi_device: "scsi",
  scsi_host: "scsi_host",
  scsi_target: "scsi_target",
  usb_device: "usb_device",
  usb_interface: "usb",
  wlan: "net",
};
/** The types of devices without a DEVTYPE. */
const bySubsystem: Readonly<Record<string, CapabilityType>> = {
  mdev: "mdev",
  net: "net",
  scsi_generic: "scsi_generic",
};

/** What a device is; `undefined` for what libvirt does not list (`udevGetDeviceType`), such as partitions. */
export function typeOf(device: UdevDevice): CapabilityType | undefined {
  if (device.subsystem === "pci") return "pci"; // these have no DEVTYPE, so that no file need be read
  const { devtype } = device;
  const type = devtype === undefined ? bySubsystem[device.subsystem] : byDevtype[devtype];
  return type === undefined || kinds[type].isListed?.(device) === false ? undefined : type;
}
