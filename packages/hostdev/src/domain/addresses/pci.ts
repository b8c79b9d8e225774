// SPDX-License-Identifier: Apache-2.0

/**
 * Gives every PCI device its address in the guest, adding the controllers that are needed.
 *
 * Two passes, as libvirt does it (qemuDomainAssignPCIAddresses): a dry run finds out how many buses of which kind are
 * needed; then, with their controllers in the domain, all devices get their places. That order is what makes the
 * addresses the same as libvirt's, so it is kept even where it looks roundabout.
 */
import { invalid } from "../../xml/complaint.ts";
import { controllersOf, ensureController, pciDepth } from "../controllers.ts";
import { type GuestPciAddress, isEmptyPci } from "../devices/address.ts";
import type { PciController, PciControllerModel } from "../devices/controller.ts";
import type { Domain } from "../domain.ts";
import { PciBuses } from "./pci-buses.ts";
import { fixedPlaces } from "./pci-chipset.ts";
import { type Expressness, type PciDevice, pciDevices } from "./pci-devices.ts";

/** The functions of the parts of an ICH9 USB controller, which share one slot. */
const ich9Functions: Readonly<Record<string, number>> = {
  "ich9-ehci1": 7,
  "ich9-uhci1": 0,
  "ich9-uhci2": 1,
  "ich9-uhci3": 2,
};

/**
 * Assigns all PCI addresses of a domain, in place.
 *
 * @throws {HostdevError} `HD_DOMAIN_INVALID` for addresses that collide or do not fit.
 */
export function assignPciAddresses(domain: Domain, expressness: Expressness): void {
  const highest = Math.max(0, ...controllersOf(domain, "pci").map((controller) => controller.index ?? 0));
  const trial = busesOf(domain, highest + 1, true);
  placeWritten(domain, trial, expressness);
  // A conventional bus keeps a slot for the bridge to further buses.
  const hasRoom = trial.buses.some((bus) => bus.takes("pci") && bus.findFree(false) !== undefined);
  if (!trial.isExpress && hasRoom) trial.takeNext({ device: {}, kind: "pci" });
  placeOthers(domain, trial, expressness, false);
  // Room to plug one more device in later, for domains that leave their buses to us.
  if (highest === 0 && trial.buses.length > 1 && trial.isExpress) trial.takeNext({ device: {}, kind: "pcie" });
  for (let index = 1; index < trial.buses.length; index++) {
    const model = trial.buses[index]?.model;
    if (model === undefined) continue;
    const controller: PciController = { type: "pci", index, model };
    if (ensureController(domain, controller)) trial.takeNext({ device: controller, kind: model as PciDevice["kind"] });
  }

  const buses = busesOf(domain, trial.buses.length, false);
  placeWritten(domain, buses, expressness);
  placeOthers(domain, buses, expressness, true);
  setMultifunction(domain, expressness);
  checkTree(domain);
  for (const controller of controllersOf(domain, "pci")) {
    fillTarget(controller);
    if (isExpander(controller)) controller.target = { busNr: freeBusNumber(domain), ...controller.target };
  }
}

/** Every bus hangs on another one, and so on up to the root. */
function checkTree(domain: Domain): void {
  for (const controller of controllersOf(domain, "pci")) {
    const { index = 0, address, model } = controller;
    // QEMU numbers what is behind a bridge upwards. libvirt: qemuDomainAssignDevicePCISlots.
    if (model === "pci-bridge" && address?.type === "pci" && index <= address.bus)
      throw invalid(
        controller,
        `a pci-bridge with index ${index} cannot be on bus ${address.bus}, which comes after it`,
      );
    if (pciDepth(domain, controller) === undefined) throw invalid(controller, `bus ${index} is behind itself`);
  }
}

function isExpander({ model }: PciController): boolean {
  return model === "pci-expander-bus" || model === "pcie-expander-bus";
}

/**
 * The first bus number behind an expander bus: from the top down, two apart, as each has a bridge of its own; below
 * them the guest numbers the other buses. libvirt: qemuDomainAddressFindNewBusNr.
 */
function freeBusNumber(domain: Domain): number {
  return (
    Math.min(
      256,
      ...controllersOf(domain, "pci")
        .filter(isExpander)
        .map(({ target }) => target?.busNr ?? 256),
    ) - 2
  );
}

function busesOf(domain: Domain, count: number, grows: boolean): PciBuses {
  const written = new Map<number, PciControllerModel>();
  for (const controller of controllersOf(domain, "pci")) {
    const index = controller.index ?? 0;
    if (written.has(index)) throw invalid(controller, `there are two pci controllers with index ${index}`);
    if (controller.model === undefined) throw invalid(controller, "the model of this pci controller is missing");
    if (index > 255) throw invalid(controller, `index ${index} is above 255`);
    written.set(index, controller.model);
  }
  const root = written.get(0) ?? "pci-root";
  const between: PciControllerModel = root === "pcie-root" ? "pcie-root-port" : "pci-bridge";
  return new PciBuses(
    Array.from({ length: count }, (_, index) => written.get(index) ?? (index === 0 ? root : between)),
    grows,
  );
}

/** Takes the places that the XML names, then those that the chipset dictates. */
function placeWritten(domain: Domain, buses: PciBuses, expressness: Expressness): void {
  for (const wish of pciDevices(domain, expressness)) {
    const { address } = wish.device;
    if (address?.type === "pci" && !isEmptyPci(address) && !isOnChipset(domain, wish, address))
      buses.take(wish, address, true);
  }
  fixedPlaces(domain, buses);
}

/** Controllers inside the southbridge of an i440fx share its slot, which is taken as a whole. */
function isOnChipset(domain: Domain, { controller }: PciDevice, address: GuestPciAddress): boolean {
  if (controllersOf(domain, "pci")[0]?.model !== "pci-root" || controller === undefined || controller.index !== 0)
    return false;
  const isPiix3 = address.bus === 0 && address.device === 1;
  return isPiix3 && (controller.type === "ide" || (controller.type === "usb" && controller.model === "piix3-uhci"));
}

function placeOthers(domain: Domain, buses: PciBuses, expressness: Expressness, write: boolean): void {
  const slots = new Map<number, GuestPciAddress>();
  for (const wish of pciDevices(domain, expressness)) {
    const { device, controller } = wish;
    const ich9 = controller?.type === "usb" ? ich9Functions[controller.model ?? ""] : undefined;
    const { address } = device;
    if (address !== undefined && !(address.type === "pci" && isEmptyPci(address))) {
      if (ich9 !== undefined && address.type === "pci") slots.set(controller?.index ?? 0, address);
      continue;
    }
    const shared = ich9 === undefined ? undefined : slots.get(controller?.index ?? 0);
    let place: GuestPciAddress;
    if (shared !== undefined && ich9 !== undefined) {
      place = { ...shared, function: ich9 };
      delete place.multifunction;
      buses.take(wish, place, false);
    } else {
      place = { type: "pci", ...buses.takeNext(wish, ich9 ?? 0) };
      if (ich9 !== undefined) slots.set(controller?.index ?? 0, place);
    }
    if (ich9 === 0) place.multifunction = true;
    if (write) device.address = address?.type === "pci" ? { ...place, multifunction: address.multifunction } : place;
  }
}

/** Function 0 of a slot with several functions says so. */
function setMultifunction(domain: Domain, expressness: Expressness): void {
  const addresses = pciDevices(domain, expressness).map(({ device }) => device.address);
  const several = new Set<string>();
  for (const address of addresses) {
    if (address?.type === "pci" && address.function !== 0) several.add(`${address.bus}:${address.device}`);
  }
  for (const address of addresses) {
    if (address?.type !== "pci" || address.function !== 0) continue;
    if (several.has(`${address.bus}:${address.device}`)) address.multifunction ??= true;
  }
}

const usualNames = {
  "pci-bridge": "pci-bridge",
  "dmi-to-pci-bridge": "i82801b11-bridge",
  "pcie-to-pci-bridge": "pcie-pci-bridge",
  "pcie-root-port": "pcie-root-port",
  "pcie-switch-upstream-port": "x3130-upstream",
  "pcie-switch-downstream-port": "xio3130-downstream",
  "pci-expander-bus": "pxb",
  "pcie-expander-bus": "pxb-pcie",
} as const;

/** The chassis and port numbers that QEMU wants unique; from index and address, so that they stay the same. */
function fillTarget(controller: PciController): void {
  const { model, address, index = 0 } = controller;
  if (model === undefined || model === "pci-root" || model === "pcie-root") return;
  controller.name ??= usualNames[model];
  if (address?.type !== "pci") return;
  if (model === "pci-bridge") controller.target = { chassisNr: index, ...controller.target };
  if (model === "pcie-root-port") {
    controller.target = { chassis: index, port: (address.device << 3) + address.function, ...controller.target };
  }
  if (model === "pcie-switch-downstream-port")
    controller.target = { chassis: index, port: address.device, ...controller.target };
}
