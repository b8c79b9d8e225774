// SPDX-License-Identifier: Apache-2.0
import type { XmlOutput } from "../xml/writer.ts";
import type { CapabilityKind } from "./capability-kind.ts";
import type { UdevDevice } from "./udev-device.ts";
import { capabilityElement, textElement } from "./xml-output.ts";

const driveTypes = ["disk", "cdrom", "floppy", "sd", "dasd"] as const;
type DriveType = (typeof driveTypes)[number];

/** A disk, or a drive for media. */
export interface StorageCapability {
  readonly type: "storage";
  readonly block: string;
  readonly bus: string | undefined;
  readonly driveType: DriveType;
  readonly model: string | undefined;
  readonly vendor: string | undefined;
  readonly serial: string | undefined;
  /** Of the disk, or of the medium; `undefined` without a medium. */
  readonly size: { readonly logicalBlockBytes: bigint; readonly sectors: bigint } | undefined;
  /** `null` for what keeps its medium. */
  readonly removable: { readonly mediaAvailable: boolean; readonly mediaLabel: string | undefined } | null;
}

/** libvirt: `udevProcessStorage`, `virNodeDeviceCapStorageDefFormat`. */
export const storageKind: CapabilityKind<StorageCapability> = {
  isListed: (device) => device.node !== undefined && driveTypeOf(device) !== undefined,
  nameEnd: serialOf,
  read: (device) => {
    const driveType = driveTypeOf(device) ?? "disk";
    const takesMedia = driveType === "cdrom" || driveType === "floppy";
    const mediaAvailable = takesMedia && hasMedia(device, driveType);
    const isRemovable = takesMedia && device.attribute("removable") === "1";
    return {
      type: "storage",
      block: device.node ?? "",
      bus: device.property("ID_BUS"),
      driveType,
      model: device.attribute("device/model")?.trim() || undefined,
      vendor: device.attribute("device/vendor")?.trim() || undefined,
      serial: serialOf(device),
      size: takesMedia && !mediaAvailable ? undefined : readSize(device),
      removable: isRemovable
        ? { mediaAvailable, mediaLabel: mediaAvailable ? device.property("ID_FS_LABEL") : undefined }
        : null,
    };
  },
  format: (storage) => [
    ...textElement("block", storage.block),
    ...textElement("bus", storage.bus),
    ...textElement("drive_type", storage.driveType),
    ...textElement("model", storage.model),
    ...textElement("vendor", storage.vendor),
    ...textElement("serial", storage.serial),
    ...formatSize(storage),
  ],
};

/** What udev says, else what else it says of some drives, else what the name tells; others are not listed. */
function driveTypeOf(device: UdevDevice): DriveType | undefined {
  const type = device.property("ID_TYPE") ?? "generic";
  if (type === "cd" || type === "cd/dvd") return "cdrom";
  if (type !== "generic") return driveTypes.find((known) => known === type && known !== "cdrom");
  if (device.property("ID_DRIVE_FLOPPY") !== undefined) return "floppy";
  if (device.property("ID_CDROM") !== undefined) return "cdrom";
  if (device.property("ID_DRIVE_FLASH_SD") !== undefined) return "sd";
  if (device.sysname.startsWith("dasd")) return "dasd";
  return /^(vd|nvme)/.test(device.sysname) ? "disk" : undefined;
}

function serialOf(device: UdevDevice): string | undefined {
  return driveTypeOf(device) === "dasd" ? device.attribute("device/uid") : device.property("ID_SERIAL");
}

function hasMedia(device: UdevDevice, driveType: DriveType): boolean {
  const isOn = (name: string) => (device.property(name) ?? "0") !== "0";
  if (driveType === "cdrom") return isOn("ID_CDROM_MEDIA");
  if (device.property("ID_CDROM_MEDIA") !== undefined) return isOn("DKD_MEDIA_AVAILABLE");
  return device.property("ID_FS_LABEL") !== undefined;
}

function readSize(device: UdevDevice): StorageCapability["size"] {
  const read = (name: string) => BigInt(/^\d+$/.exec(device.attribute(name) ?? "")?.[0] ?? 0);
  return { sectors: read("size"), logicalBlockBytes: read("queue/logical_block_size") };
}

/** `sectors` are always of 512 bytes, so that for other blocks libvirt's size is wrong. Whoever reads it expects that. */
function formatSize({ size, removable }: StorageCapability): readonly XmlOutput[] {
  const { sectors, logicalBlockBytes } = size ?? { sectors: 0n, logicalBlockBytes: 0n };
  const blocks = [
    ...(logicalBlockBytes > 0n ? textElement("logical_block_size", logicalBlockBytes) : []),
    ...(sectors > 0n ? textElement("num_blocks", sectors) : []),
  ];
  if (removable === null) return [...textElement("size", sectors * logicalBlockBytes), ...blocks];
  return [
    capabilityElement("removable", [
      ...textElement("media_available", removable.mediaAvailable ? 1 : 0),
      ...textElement("media_size", sectors * logicalBlockBytes),
      ...textElement("media_label", removable.mediaLabel),
      ...blocks,
    ]),
  ];
}
