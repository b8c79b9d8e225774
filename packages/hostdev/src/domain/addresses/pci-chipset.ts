// SPDX-License-Identifier: Apache-2.0

/** Places that the chipset dictates. libvirt: qemuDomainValidateDevicePCISlotsPIIX3 and ...Q35. */
import { invalid } from "../../xml/complaint.ts";
import { controllersOf, findController } from "../controllers.ts";
import type { GuestPciAddress } from "../devices/address.ts";
import type { Controller } from "../devices/controller.ts";
import type { DeviceInfo } from "../devices/device-info.ts";
import type { Domain } from "../domain.ts";
import { chipsetOf } from "../machine.ts";
import type { ConnectKind } from "./pci-bus.ts";
import type { PciBuses } from "./pci-buses.ts";

const onRoot = (device: number, fn: number): GuestPciAddress => ({
  type: "pci",
  domain: 0,
  bus: 0,
  device,
  function: fn,
});

/** Takes the places of the chipset's own devices, and gives built-in devices theirs. */
export function fixedPlaces(domain: Domain, buses: PciBuses): void {
  if (chipsetOf(domain) === "i440fx") placesOfI440fx(domain, buses);
  else placesOfQ35(domain, buses);
}

/** Slot 1: ISA bridge, IDE, USB, power management. Slot 2: the primary video card. */
function placesOfI440fx(domain: Domain, buses: PciBuses): void {
  const ide = findController(domain, "ide", 0);
  if (ide !== undefined) builtIn(ide, onRoot(1, 1));
  const usb = findController(domain, "usb", 0);
  if (usb?.model === "piix3-uhci") usb.address ??= onRoot(1, 2);
  buses.take({ device: domain, kind: "pci" }, onRoot(1, 0), false);
  placePrimaryVideo(domain, buses, 2);
}

/** Slot 0x1f: ISA bridge, SATA, SMBus. Slot 1: the primary video card. ICH9's own USB and sound have usual slots. */
function placesOfQ35(domain: Domain, buses: PciBuses): void {
  const sata = findController(domain, "sata", 0);
  if (sata !== undefined) builtIn(sata, onRoot(0x1f, 2));
  for (const usb of controllersOf(domain, "usb")) {
    const slot = usb.index === 0 ? 0x1d : usb.index === 1 ? 0x1a : undefined;
    const fn = { "ich9-ehci1": 7, "ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2 }[usb.model as string];
    if (slot === undefined || fn === undefined || usb.address !== undefined) continue;
    const siblings = controllersOf(domain, "usb").filter((other) => other.index === usb.index && other !== usb);
    const besideSibling = siblings.some((other) => other.address?.type === "pci" && other.address.device === slot);
    if (buses.isSlotTaken(0, slot) && !besideSibling) continue;
    usb.address = { ...onRoot(slot, fn), ...(fn === 0 ? { multifunction: true } : {}) };
    buses.take({ device: usb, kind: "pcie" }, usb.address, true);
  }
  for (const bridge of controllersOf(domain, "pci")) {
    if (bridge.model === "dmi-to-pci-bridge") placeIfFree(bridge, "dmi-to-pci-bridge", onRoot(0x1e, 0), buses);
  }
  for (const fn of [0, 3, 2]) {
    if (fn !== 2 || sata?.address === undefined || !isTaken(buses, fn))
      buses.take({ device: domain, kind: "pcie" }, onRoot(0x1f, fn), true);
  }
  placePrimaryVideo(domain, buses, 1);
  for (const sound of domain.devices.sounds)
    if (sound.model === "ich9") placeIfFree(sound, "pcie", onRoot(0x1b, 0), buses);
}

function isTaken(buses: PciBuses, fn: number): boolean {
  return buses.buses[0]?.isTaken(0x1f, fn) ?? false;
}

function placePrimaryVideo(domain: Domain, buses: PciBuses, slot: number): void {
  const [video] = domain.devices.videos;
  if (video === undefined || video.model?.type === "none" || video.model?.type === "ramfb") return;
  placeIfFree(video, buses.isExpress ? "pcie" : "pci", onRoot(slot, 0), buses);
}

function placeIfFree(device: DeviceInfo & object, kind: ConnectKind, place: GuestPciAddress, buses: PciBuses): void {
  if (device.address !== undefined || buses.isSlotTaken(0, place.device)) return;
  buses.take({ device, kind }, place, true);
  device.address = place;
}

function builtIn(controller: Controller, place: GuestPciAddress): void {
  const { address } = controller;
  if (address === undefined) controller.address = place;
  else if (
    address.type !== "pci" ||
    address.bus !== 0 ||
    address.device !== place.device ||
    address.function !== place.function
  ) {
    throw invalid(
      controller,
      `the first ${controller.type} controller is part of the chipset and must be at 00:${place.device.toString(16).padStart(2, "0")}.${place.function}`,
    );
  }
}
