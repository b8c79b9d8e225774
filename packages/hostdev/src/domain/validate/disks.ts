// SPDX-License-Identifier: Apache-2.0
import { invalid, unsupported } from "../../xml/complaint.ts";
import { findController } from "../controllers.ts";
import { type Disk, diskIndex } from "../devices/disk.ts";
import type { Domain } from "../domain.ts";

/** Rules about disks. libvirt: virDomainDiskDefValidate, qemuValidateDomainDeviceDefDisk. */
export function validateDisks(domain: Domain): void {
  const names = new Set<string>();
  const places = new Set<string>();
  for (const disk of domain.devices.disks) {
    const { dev, bus } = disk.target;
    if (names.has(dev)) throw invalid(disk.target, `two disks have the name ${dev}`);
    names.add(dev);
    if (diskIndex(dev) > 10_000) throw invalid(disk.target, `${dev} is beyond any number of disks`);
    if (disk.address?.type === "drive") {
      const { controller, bus: cable, target, unit } = disk.address;
      const place = `${bus}:${controller}:${cable}:${target}:${unit}`;
      if (places.has(place))
        throw invalid(disk, `another disk is at the same place, ${bus} ${controller}:${cable}:${target}:${unit}`);
      places.add(place);
    }
    validateKind(disk);
    validateIdentity(disk);
    validateUnit(domain, disk);
    validateQueues(disk);
    const groups = domain.throttleGroups?.list.map((group) => group.groupName) ?? [];
    for (const { group } of disk.throttleFilters?.filters ?? []) {
      if (!groups.includes(group)) throw invalid(disk.throttleFilters ?? disk, `there is no throttle group ${group}`);
    }
  }
}

function validateKind(disk: Disk): void {
  const { bus } = disk.target;
  if (disk.device === "lun") {
    const isRaw = disk.type === "block" || (disk.type === "network" && disk.source?.protocol === "iscsi");
    if (!isRaw) throw invalid(disk, "device='lun' is for block devices of the host, and iSCSI");
    if (bus !== "scsi")
      throw unsupported(disk, `device='lun' on the bus ${bus} is not supported`, "device='lun' with bus='scsi'");
    if (disk.driver?.type !== "raw") throw invalid(disk, "device='lun' has the format raw");
    if (disk.serial !== undefined || disk.wwn !== undefined)
      throw invalid(disk, "a lun has its own serial number and WWN");
  } else if (disk.sgio !== undefined || disk.rawio !== undefined) {
    throw unsupported(disk, "sgio and rawio are for device='lun'", "device='lun'");
  }
  if (disk.rawio === true || disk.sgio === "unfiltered")
    throw unsupported(disk, "raw SCSI commands need a privileged QEMU", "neither rawio='yes' nor sgio='unfiltered'");
  if ((disk.device === "floppy") !== (bus === "fdc"))
    throw invalid(disk, `device='${disk.device}' does not go with the bus ${bus}`);
  if (disk.device === "cdrom" && bus === "virtio")
    throw unsupported(disk, "there are no virtio CD-ROM drives", "bus sata, scsi, ide or usb");
  if (disk.model !== undefined && bus !== "virtio") throw invalid(disk, `model='${disk.model}' is for bus='virtio'`);
  if (disk.source === undefined && disk.device !== "cdrom" && disk.device !== "floppy")
    throw invalid(disk, "element <source> is missing");
  if (disk.type === "vhostuser" && bus !== "virtio") throw invalid(disk, "type='vhostuser' is for bus='virtio'");
  if (disk.target.removable !== undefined && bus !== "usb" && bus !== "scsi")
    throw invalid(disk.target, "removable is for the buses usb and scsi");
  if (disk.target.tray !== undefined && disk.device !== "cdrom" && disk.device !== "floppy")
    throw invalid(disk.target, "tray is for cdrom and floppy");
  if (disk.driver?.copyOnRead === true && disk.readonly)
    throw invalid(disk, "copy_on_read does not go with a read-only disk");
}

function validateIdentity(disk: Disk): void {
  const { bus } = disk.target;
  const isIde = bus === "ide" || bus === "sata";
  if (disk.vendor !== undefined && bus !== "scsi") throw invalid(disk, "<vendor> is for the bus scsi");
  if (disk.product !== undefined) {
    if (bus !== "scsi" && !isIde) throw invalid(disk, "<product> is for the buses scsi, sata and ide");
    if (!isIde && disk.product.length > 16)
      throw invalid(disk, `<product> has ${disk.product.length} characters; SCSI has room for 16`);
  }
  if (disk.wwn !== undefined && bus !== "scsi" && !isIde)
    throw invalid(disk, "<wwn> is for the buses scsi, sata and ide");
}

/** Queues that are given to iothreads are given once, and all of them. */
function validateQueues(disk: Disk): void {
  const mapping = disk.driver?.iothreads?.list ?? [];
  const given = mapping.flatMap((thread) => thread.queues.map((queue) => queue.id));
  if (given.length === 0) return;
  const count = disk.driver?.queues;
  if (count === undefined) throw invalid(disk, "queues of iothreads need the number of queues, <driver queues='...'>");
  if (mapping.some((thread) => thread.queues.length === 0))
    throw invalid(disk, "either all iothreads name their queues, or none");
  for (let queue = 0; queue < Math.max(count, ...given.map((id) => id + 1)); queue++) {
    const times = given.filter((id) => id === queue).length;
    if (queue >= count) throw invalid(disk, `there is no queue ${queue}; the disk has ${count}`);
    if (times !== 1) throw invalid(disk, `queue ${queue} is given to ${times} iothreads instead of one`);
  }
}

/** How far the numbers of an address go on each bus. */
function validateUnit(domain: Domain, disk: Disk): void {
  if (disk.address?.type !== "drive") return;
  const { controller, bus, target, unit } = disk.address;
  const limit = (name: string, value: number, max: number) => {
    if (value > max) throw invalid(disk, `${name} ${value} is above ${max}, the last on the bus ${disk.target.bus}`);
  };
  switch (disk.target.bus) {
    case "ide":
      limit("controller", controller, 0);
      limit("bus", bus, 1);
      break;
    case "fdc":
      limit("controller", controller, 0);
      limit("unit", unit, 1);
      break;
    case "sata":
      limit("bus", bus, 0);
      limit("target", target, 0);
      break;
    case "scsi":
      if (findController(domain, "scsi", controller)?.model === "lsilogic") limit("target", target, 0);
      break;
    default:
  }
}
