// SPDX-License-Identifier: Apache-2.0

/** Controllers that devices need and the XML does not name. libvirt: virDomainDefAddImplicitControllers. */
import { invalid } from "../../xml/complaint.ts";
import { ensureController, findController } from "../controllers.ts";
import type { Controller, ControllerType } from "../devices/controller.ts";
import { type Disk, type DiskBus, diskIndex } from "../devices/disk.ts";
import type { Domain } from "../domain.ts";

const driveBuses: Partial<Record<DiskBus, "ide" | "fdc" | "scsi" | "sata">> = {
  ide: "ide",
  fdc: "fdc",
  scsi: "scsi",
  sata: "sata",
};

/** Gives disks their place on a drive bus, and adds the controllers that places of all kinds refer to. */
export function addImplicitControllers(domain: Domain): void {
  const { devices } = domain;
  for (const disk of devices.disks) {
    const type = driveBuses[disk.target.bus ?? "virtio"];
    if (type === undefined) continue;
    disk.address ??= driveAddress(disk, type);
    if (disk.address.type === "drive") addUpTo(domain, type, disk.address.controller);
  }
  addScsiForHostDevices(domain);
  if (devices.smartcards.length > 0) {
    for (const [slot, card] of devices.smartcards.entries()) {
      card.address ??= { type: "ccid", controller: 0, slot };
      if (card.address.type === "ccid") addUpTo(domain, "ccid", card.address.controller);
    }
  }
  for (const device of [...devices.channels, ...devices.consoles]) {
    const virtio = device.target?.type === "virtio";
    if (device.address?.type === "virtio-serial")
      ensureController(domain, { type: "virtio-serial", index: device.address.controller });
    else if (virtio) ensureController(domain, { type: "virtio-serial", index: 0 });
  }
}

function addUpTo(domain: Domain, type: Exclude<ControllerType, "pci" | "usb">, highest: number): void {
  if (highest > 255) throw invalid(domain, `a ${type} controller with index ${highest} is one too many; at most 255`);
  for (let index = 0; index <= highest; index++) {
    const added = { type, index } as Controller;
    if (added.type === "scsi") added.model = firstScsiModel(domain);
    ensureController(domain, added);
  }
}

function firstScsiModel(domain: Domain) {
  return findController(domain, "scsi", 0)?.model ?? "lsilogic";
}

/** SCSI host devices without an address take the next free units of the first controller. */
function addScsiForHostDevices(domain: Domain): void {
  for (const device of domain.devices.hostDevices) {
    if (device.type !== "scsi") continue;
    device.address ??= { type: "drive", controller: 0, bus: 0, target: 0, unit: freeScsiUnit(domain) };
    if (device.address.type === "drive") addUpTo(domain, "scsi", device.address.controller);
  }
}

function freeScsiUnit({ devices }: Domain): number {
  const used = [...devices.disks.filter((disk) => disk.target.bus === "scsi"), ...devices.hostDevices]
    .map((device) => device.address)
    .filter(
      (address) => address?.type === "drive" && address.controller === 0 && address.bus === 0 && address.target === 0,
    )
    .map((address) => (address?.type === "drive" ? address.unit : -1));
  let unit = 0;
  while (used.includes(unit)) unit++;
  return unit;
}

/** The usual place of a disk by its name: hdc is the first drive of the second cable. libvirt: virDomainDiskDefAssignAddress. */
function driveAddress(disk: Disk, type: "ide" | "fdc" | "scsi" | "sata") {
  const index = diskIndex(disk.target.dev);
  const at = (controller: number, bus: number, unit: number) => ({
    type: "drive" as const,
    controller,
    bus,
    target: 0,
    unit,
  });
  if (index > 10_000)
    throw invalid(disk.target, `disk name ${disk.target.dev} is beyond what has a place; give an <address>`);
  if (type === "ide") return at(Math.floor(index / 4), Math.floor((index % 4) / 2), index % 2);
  if (type === "sata") return at(Math.floor(index / 6), 0, index % 6);
  if (type === "fdc") return at(Math.floor(index / 2), 0, index % 2);
  const unit = index % 15;
  return at(Math.floor(index / 15), 0, unit < 7 ? unit : unit + 1);
}
