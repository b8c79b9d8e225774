// SPDX-License-Identifier: Apache-2.0
import type { CapabilityKind } from "./capability-kind.ts";
import { textElement } from "./xml-output.ts";

/** The kernel's numbers of device types (include/scsi/scsi_proto.h) that libvirt has names for. */
const typeNames: Readonly<Record<number, string>> = {
  0: "disk",
  1: "tape",
  3: "processor",
  4: "worm",
  5: "cdrom",
  6: "scanner",
  7: "mod",
  8: "changer",
  12: "raid",
  13: "enclosure",
};

/** A logical unit of a SCSI target. */
export interface ScsiDeviceCapability {
  readonly type: "scsi";
  readonly host: number;
  readonly bus: number;
  readonly target: number;
  readonly lun: number;
  readonly typeName: string | undefined;
}

const address = /^(\d+):(\d+):(\d+):(\d+)$/;

/** libvirt: `udevProcessSCSIDevice`, `udevGetSCSIType`, `virNodeDeviceCapSCSIDefFormat`. */
export const scsiDeviceKind: CapabilityKind<ScsiDeviceCapability> = {
  isListed: ({ sysname }) => address.test(sysname),
  read: (device) => {
    const [host = 0, bus = 0, target = 0, lun = 0] = address.exec(device.sysname)?.slice(1).map(Number) ?? [];
    return { type: "scsi", host, bus, target, lun, typeName: typeNames[device.number("type") ?? -1] };
  },
  format: ({ host, bus, target, lun, typeName }) => [
    ...textElement("host", host),
    ...textElement("bus", bus),
    ...textElement("target", target),
    ...textElement("lun", lun),
    ...textElement("type", typeName),
  ],
};
