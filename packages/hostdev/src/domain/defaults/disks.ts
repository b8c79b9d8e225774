// SPDX-License-Identifier: Apache-2.0
import { invalid } from "../../xml/complaint.ts";
import { type Disk, type DiskBus, diskIndex } from "../devices/disk.ts";
import type { Domain } from "../domain.ts";

const busOfPrefix: Readonly<Record<string, DiskBus>> = { fd: "fdc", hd: "ide", sd: "scsi", vd: "virtio" };

/** Orders disks of one bus by their names, as guests see them. libvirt: virDomainDiskInsert. */
export function sortDisks(domain: Domain): void {
  const sorted: Disk[] = [];
  for (const disk of domain.devices.disks) {
    disk.target.bus ??= defaultBus(disk);
    let place = sorted.length;
    for (let at = sorted.length - 1; at >= 0; at--) {
      const other = sorted[at];
      if (other === undefined || other.target.bus !== disk.target.bus) continue;
      if (diskIndex(other.target.dev) > diskIndex(disk.target.dev)) place = at;
      else {
        if (place === sorted.length) place = at + 1;
        break;
      }
    }
    sorted.splice(place, 0, disk);
  }
  domain.devices.disks = sorted;
}

/** What a disk gets that its XML does not say. */
export function fillDiskDefaults(disk: Disk): void {
  if (disk.device === "cdrom") disk.readonly = true;
  if (disk.type !== "vhostuser") {
    disk.driver ??= {};
    disk.driver.name ??= "qemu";
  }
  disk.driver ??= {};
  disk.driver.type ??= disk.type === "dir" ? "fat" : "raw";
}

function defaultBus(disk: Disk): DiskBus {
  const bus = busOfPrefix[disk.target.dev.slice(0, 2)];
  if (bus === undefined) {
    throw invalid(disk.target, `the bus of disk ${disk.target.dev} cannot be told from its name; write bus='...'`);
  }
  return bus;
}
