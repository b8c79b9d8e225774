// SPDX-License-Identifier: Apache-2.0

/** Which devices of a domain sit on PCI, what bus they want, and in which order they get places. */
import type { PciAddress } from "../../pci/address.ts";
import type { Controller } from "../devices/controller.ts";
import type { DeviceInfo, VirtioModel } from "../devices/device-info.ts";
import type { PciHostDevice } from "../devices/host-device.ts";
import { type NetworkInterface, virtioNetworkModel } from "../devices/network-interface.ts";
import type { Domain } from "../domain.ts";
import { chipsetOf } from "../machine.ts";
import type { ConnectKind } from "./pci-bus.ts";
import type { Wish } from "./pci-buses.ts";

/**
 * Whether a PCI function of the host is PCI Express or conventional PCI; `undefined` when it is not there.
 */
export type Expressness = (address: PciAddress) => "pcie" | "pci" | undefined;

/** A device on PCI with its wish; `device.address` is where its place is kept. */
export interface PciDevice extends Wish {
  readonly device: DeviceInfo & object;
  /** Set for controllers, which have rules of their own. */
  readonly controller?: Controller;
}

/**
 * The devices on PCI in the order in which they get places. libvirt: qemuDomainAssignDevicePCISlots, and
 * qemuDomainDeviceCalculatePCIConnectFlags for the kinds.
 */
export function pciDevices(domain: Domain, expressness: Expressness): PciDevice[] {
  const { devices } = domain;
  const express = chipsetOf(domain) === "q35";
  const pcie: ConnectKind = express ? "pcie" : "pci";
  const virtio = (model: VirtioModel | undefined): ConnectKind => (model === "virtio-transitional" ? "pci" : pcie);
  const found: PciDevice[] = [];
  const add = (device: DeviceInfo & object, kind: ConnectKind, more: Partial<PciDevice> = {}) =>
    found.push({ device, kind, ...more });

  for (const controller of devices.controllers) {
    if (controller.type !== "pci" || controller.model === undefined) continue;
    if (controller.model === "pci-root" || controller.model === "pcie-root") continue;
    add(controller, controller.model, { controller });
  }
  for (const filesystem of devices.filesystems) add(filesystem, virtio(filesystem.model));
  for (const card of devices.interfaces) if (card.type !== "hostdev") add(card, interfaceKind(card, pcie));
  for (const sound of devices.sounds) {
    if (sound.model === "virtio") add(sound, pcie);
    else if (!["sb16", "pcspk", "usb"].includes(sound.model)) add(sound, "pci");
  }
  for (const controller of devices.controllers) {
    const kind = controllerKind(controller, pcie);
    if (kind !== undefined) add(controller, kind, { controller });
  }
  for (const disk of devices.disks) if (disk.target.bus === "virtio") add(disk, virtio(disk.model));
  for (const card of devices.interfaces) {
    if (card.type === "hostdev") add(card, assignedKind(card, card.source.address, pcie, expressness));
  }
  for (const device of devices.hostDevices) {
    if (device.address?.type === "unassigned") continue;
    if (device.type === "pci") add(device, assignedKind(device, device.source.address, pcie, expressness));
    else if (device.type === "mdev") add(device, pcie);
    else if (device.type === "scsi_host") add(device, virtio(device.model));
  }
  if (devices.memballoon !== undefined && devices.memballoon.model !== "none") {
    add(devices.memballoon, virtio(devices.memballoon.model));
  }
  for (const rng of devices.rngs) add(rng, virtio(rng.model));
  for (const watchdog of devices.watchdogs) if (watchdog.model === "i6300esb") add(watchdog, "pci");
  for (const video of devices.videos) {
    if (video.model?.type === "virtio") add(video, pcie);
    else if (video.model?.type !== "none" && video.model?.type !== "ramfb") add(video, "pci");
  }
  for (const shmem of devices.shmems) add(shmem, "pci");
  for (const input of devices.inputs) {
    if (input.type !== "evdev" && input.bus === "virtio") add(input, virtio(input.model));
  }
  for (const serial of devices.serials) if (serial.target?.type === "pci-serial") add(serial, "pci");
  if (devices.iommu?.model === "virtio") add(devices.iommu, pcie, { integrated: true });
  if (devices.vsock !== undefined) add(devices.vsock, virtio(devices.vsock.model));
  for (const memory of devices.memories) {
    if (memory.model === "virtio-mem" || memory.model === "virtio-pmem") add(memory, pcie);
  }
  for (const panic of devices.panics) if (panic.model === "pvpanic") add(panic, pcie);
  return found;
}

function interfaceKind(card: NetworkInterface, pcie: ConnectKind): ConnectKind {
  const flavour = virtioNetworkModel(card);
  if (flavour !== undefined) return flavour === "virtio-transitional" ? "pci" : pcie;
  return card.model === "e1000e" || card.model === "igb" ? pcie : "pci";
}

function controllerKind(controller: Controller, pcie: ConnectKind): ConnectKind | undefined {
  switch (controller.type) {
    case "usb":
      if (controller.model === "none") return undefined;
      return controller.model === "nec-xhci" || controller.model === "qemu-xhci" ? pcie : "pci";
    case "ide":
    case "sata":
      return "pci";
    case "scsi":
      return controller.model === "virtio-scsi" || controller.model === "virtio-non-transitional" ? pcie : "pci";
    case "virtio-serial":
      return controller.model === "virtio-transitional" ? "pci" : pcie;
    default:
      return undefined;
  }
}

/** A host device goes where one of its sort sits; if it is not there now, PCI Express is the better guess. */
function assignedKind(
  device: DeviceInfo,
  source: PciHostDevice["source"]["address"],
  pcie: ConnectKind,
  expressness: Expressness,
): ConnectKind {
  if (pcie === "pci") return "pci";
  if (device.address?.type === "pci") return "pcie";
  return expressness(source) === "pci" ? "pci" : "pcie";
}
