// SPDX-License-Identifier: Apache-2.0
import type { PciNames } from "../pci/names.ts";
import type { XmlOutput } from "../xml/writer.ts";
import type { UdevDevice } from "./udev-device.ts";

/** libvirt's names of what a node device can be or do, as `--cap` takes them (`virNodeDevCap`), in its order. */
export const capabilityNames = [
  ...["system", "pci", "usb_device", "usb", "net", "scsi_host", "scsi_target", "scsi", "storage", "fc_host", "vports"],
  ...["scsi_generic", "drm", "mdev_types", "mdev", "ccw", "css", "vdpa", "ap_card", "ap_queue", "ap_matrix", "vpd"],
  ...["ccwgroup", "ccwgroup_member"],
] as const;
/** One of `capabilityNames`. */
export type CapabilityName = (typeof capabilityNames)[number];

/** How much is read of a device. */
export interface ReadOptions {
  /** Leave out what libvirt hides from users although they may read it. Default: all is shown. */
  readonly strictLibvirt?: boolean;
  /** Names of PCI vendors and products; default: the system's, read anew for each device. */
  readonly names?: PciNames;
}

/** One kind of node device: how it is recognised, read, and written. */
export interface CapabilityKind<C> {
  /** `false`: libvirt drops this device, since it lacks something. Default: all are listed. */
  readonly isListed?: (device: UdevDevice) => boolean;
  /** What comes after subsystem and kernel's name in a device's name, such as the MAC address. */
  readonly nameEnd?: (device: UdevDevice) => string | undefined;
  /** What a device of this kind can do besides, that `--cap` may ask for. */
  readonly further?: (device: UdevDevice) => readonly CapabilityName[];
  readonly read: (device: UdevDevice, options: ReadOptions) => C | Promise<C>;
  /** What is inside `<capability>`. */
  readonly format: (capability: C) => readonly XmlOutput[];
}
