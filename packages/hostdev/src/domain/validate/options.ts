// SPDX-License-Identifier: Apache-2.0

/** Settings that a device of that kind has no use for: refused, or they would be dropped in silence. */
import { invalid } from "../../xml/complaint.ts";
import type { Controller, PciControllerModel } from "../devices/controller.ts";
import type { Disk } from "../devices/disk.ts";
import { type NetworkInterface, virtioNetworkModel } from "../devices/network-interface.ts";
import type { Domain } from "../domain.ts";

/** Refuses settings without effect. */
export function validateOptions({ devices }: Domain): void {
  for (const disk of devices.disks) validateDisk(disk);
  for (const card of devices.interfaces) validateInterface(card);
  for (const controller of devices.controllers) validateController(controller);
  for (const filesystem of devices.filesystems) {
    const { driver, binary, idmap, fmode, dmode, multidevs, accessmode } = filesystem;
    if (driver?.type === "virtiofs") {
      refuse(filesystem, "not for virtiofs", { fmode, dmode, multidevs, wrpolicy: driver.wrpolicy });
      if (accessmode !== undefined && accessmode !== "passthrough")
        throw invalid(filesystem, "virtiofs has the accessmode passthrough");
    } else
      refuse(filesystem, "only for virtiofs", {
        binary,
        idmap,
        queue: driver?.queue,
        socket: filesystem.source.socket,
      });
  }
  for (const sound of devices.sounds) {
    const isHda = sound.model === "ich6" || sound.model === "ich9";
    if (sound.codecs.length > 0 && !isHda) throw invalid(sound, "<codec> is only for models ich6 and ich9");
    if (sound.model !== "usb") refuse(sound, "only for model usb", { multichannel: sound.multichannel });
    if (sound.model !== "virtio") refuse(sound, "only for model virtio", { streams: sound.streams });
  }
  for (const video of devices.videos) {
    const { driver, model } = video;
    const { name: _, ...options } = driver ?? {};
    if (model?.type !== "virtio")
      refuse(video, "only for type virtio", { ...options, acceleration: model?.acceleration });
    if (driver?.name === "vhostuser" && model?.type !== "virtio")
      throw invalid(video, "driver name='vhostuser' is only for type virtio");
    if (driver?.name !== "vhostuser")
      refuse(video, "only for driver name='vhostuser'", { rendernode: model?.acceleration?.renderNode });
    if (model?.type !== "qxl") refuse(video, "only for type qxl", { ram: model?.ramKiB, vram64: model?.vram64KiB });
  }
}

function refuse(place: object, why: string, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) if (value !== undefined) throw invalid(place, `${name} is ${why}`);
}

function validateDisk(disk: Disk): void {
  const { driver, target } = disk;
  if (target.bus !== "virtio") {
    refuse(disk, "only for virtio disks", {
      ioeventfd: driver?.ioeventfd,
      event_idx: driver?.eventIdx,
      queues: driver?.queues,
      queue_size: driver?.queueSize,
      iommu: driver?.iommu,
      ats: driver?.ats,
      packed: driver?.packed,
      page_per_vq: driver?.pagePerVq,
    });
  }
  const spins = target.bus === "scsi" || target.bus === "ide" || target.bus === "sata";
  if (target.rotationRate !== undefined && !(spins && disk.device === "disk"))
    throw invalid(target, "rotation_rate is only for hard disks on the buses scsi, sata and ide");
  if (disk.geometry !== undefined && !(target.bus === "ide" || target.bus === "scsi" || target.bus === "virtio"))
    throw invalid(disk, `<geometry> is not for disks on the bus ${target.bus}`);
  const hasFile = disk.type === "file" || disk.type === "block";
  if (!hasFile) refuse(disk, "only for files and block devices", { io: driver?.io });
  if (driver?.io === "native" && driver.cache !== "none" && driver.cache !== "directsync")
    throw invalid(disk, "io='native' needs cache='none' or cache='directsync'");
  if (driver?.type !== "qcow2")
    refuse(disk, "only for the format qcow2", {
      discard_no_unref: driver?.discardNoUnref,
      metadata_cache: driver?.metadataCache,
    });
}

function validateInterface(card: NetworkInterface): void {
  if (card.type === "hostdev" || virtioNetworkModel(card) !== undefined) return;
  const { name: _, queues: __, ...options } = card.driver ?? {};
  refuse(card, "only for model virtio", { ...options, mtu: card.mtu });
}

/** What of `<target>` each kind of PCI controller has. */
const targetFields: Partial<Record<PciControllerModel, readonly string[]>> = {
  "pci-root": ["hotplug"],
  "pcie-root": [],
  "pci-bridge": ["chassisNr", "memReserveKiB"],
  "pcie-root-port": ["chassis", "port", "hotplug", "memReserveKiB"],
  "pcie-switch-downstream-port": ["chassis", "port", "hotplug", "memReserveKiB"],
  "pci-expander-bus": ["busNr", "node"],
  "pcie-expander-bus": ["busNr", "node"],
  "pcie-to-pci-bridge": ["memReserveKiB"],
};

function validateController(controller: Controller): void {
  if (controller.type === "pci") {
    const known = targetFields[controller.model ?? "pci-root"] ?? [];
    const other = Object.keys(controller.target ?? {}).find((name) => !known.includes(name));
    if (other !== undefined)
      throw invalid(controller, `${other} is not for pci controllers of model ${controller.model}`);
  }
  if (controller.type === "scsi" && !(controller.model ?? "").startsWith("virtio"))
    refuse(controller, "only for model virtio-scsi", { driver: controller.driver });
}
