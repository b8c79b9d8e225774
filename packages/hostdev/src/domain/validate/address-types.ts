// SPDX-License-Identifier: Apache-2.0
import { invalid } from "../../xml/complaint.ts";
import { listOf } from "../../xml/values.ts";
import type { Address } from "../devices/address.ts";
import type { DeviceInfo } from "../devices/device-info.ts";
import type { DiskBus } from "../devices/disk.ts";
import type { Domain } from "../domain.ts";

type AddressType = Address["type"];

const ofDisks: Readonly<Record<DiskBus, AddressType>> = {
  virtio: "pci",
  ide: "drive",
  scsi: "drive",
  sata: "drive",
  fdc: "drive",
  usb: "usb",
  sd: "drive",
};

/** Refuses addresses of a kind that the device cannot have: a PCI address on an IDE disk. */
export function validateAddressTypes({ devices }: Domain): void {
  const check = (device: DeviceInfo & object, what: string, ...types: AddressType[]) => {
    if (device.address === undefined || types.includes(device.address.type)) return;
    const accepted = types.length === 0 ? "none at all" : listOf(types);
    throw invalid(device, `${what} cannot have an address of type ${device.address.type}; it takes ${accepted}`);
  };
  for (const disk of devices.disks) {
    const bus = disk.target.bus ?? "virtio";
    check(disk, `a disk on the bus ${bus}`, ofDisks[bus]);
  }
  for (const controller of devices.controllers) {
    const { type } = controller;
    if (type === "pci" && (controller.model === "pci-root" || controller.model === "pcie-root"))
      check(controller, "the root bus");
    else if (type === "ccid") check(controller, "a card reader", "usb");
    else if (type === "fdc") check(controller, "a floppy controller");
    else check(controller, `a ${type} controller`, "pci");
  }
  for (const card of devices.interfaces) check(card, "an interface", "pci");
  for (const filesystem of devices.filesystems) check(filesystem, "a file system", "pci");
  for (const sound of devices.sounds) {
    const types: AddressType[] =
      sound.model === "usb" ? ["usb"] : sound.model === "sb16" || sound.model === "pcspk" ? [] : ["pci"];
    check(sound, `a sound card of model ${sound.model}`, ...types);
  }
  for (const video of devices.videos) {
    const isFlat = video.model?.type === "ramfb" || video.model?.type === "none";
    check(video, `a video card of type ${video.model?.type}`, ...(isFlat ? [] : (["pci"] as const)));
  }
  for (const device of devices.hostDevices) {
    if (device.type === "usb") check(device, "a USB device", "usb");
    else if (device.type === "scsi") check(device, "a SCSI device", "drive");
    else if (device.type === "pci") check(device, "a PCI device", "pci", "unassigned");
    else check(device, `a host device of type ${device.type}`, "pci");
  }
  for (const input of devices.inputs) {
    if (input.type === "evdev") check(input, "an evdev input");
    else
      check(
        input,
        `an input on the bus ${input.bus}`,
        ...(input.bus === "usb" ? (["usb"] as const) : input.bus === "virtio" ? (["pci"] as const) : []),
      );
  }
  for (const serial of devices.serials) {
    const kind = serial.target?.type;
    check(
      serial,
      `a serial port of type ${kind}`,
      kind === "pci-serial" ? "pci" : kind === "usb-serial" ? "usb" : "isa",
    );
  }
  for (const parallel of devices.parallels) check(parallel, "a parallel port", "isa");
  for (const channel of devices.channels) {
    check(channel, "a channel", ...(channel.target.type === "virtio" ? (["virtio-serial"] as const) : []));
  }
  for (const rng of devices.rngs) check(rng, "a random number generator", "pci");
  for (const shmem of devices.shmems) check(shmem, "shared memory", "pci");
  for (const watchdog of devices.watchdogs)
    check(
      watchdog,
      `a watchdog of model ${watchdog.model}`,
      ...(watchdog.model === "i6300esb" ? (["pci"] as const) : []),
    );
  for (const panic of devices.panics) {
    const types: AddressType[] = panic.model === "isa" ? ["isa"] : panic.model === "pvpanic" ? ["pci"] : [];
    check(panic, `a panic device of model ${panic.model}`, ...types);
  }
  for (const hub of devices.hubs) check(hub, "a USB hub", "usb");
  for (const redirdev of devices.redirdevs) check(redirdev, "USB redirection", "usb");
  for (const card of devices.smartcards) check(card, "a smart card", "ccid");
  for (const tpm of devices.tpms) check(tpm, "a TPM");
  for (const memory of devices.memories) {
    const isModule = memory.model === "dimm" || memory.model === "nvdimm";
    check(memory, `a memory device of model ${memory.model}`, isModule ? "dimm" : "pci");
  }
  if (devices.memballoon !== undefined)
    check(devices.memballoon, "a memory balloon", ...(devices.memballoon.model === "none" ? [] : (["pci"] as const)));
  if (devices.vsock !== undefined) check(devices.vsock, "a vsock device", "pci");
  if (devices.iommu !== undefined)
    check(
      devices.iommu,
      `an IOMMU of model ${devices.iommu.model}`,
      ...(devices.iommu.model === "virtio" ? (["pci"] as const) : []),
    );
}
