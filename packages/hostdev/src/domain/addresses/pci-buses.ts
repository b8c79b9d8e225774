// SPDX-License-Identifier: Apache-2.0

/** All PCI buses of a guest; finds places, and in a dry run grows by what is missing. libvirt: domain_addr.c. */
import { formatPciAddress, type PciAddress } from "../../pci/address.ts";
import { invalid } from "../../xml/complaint.ts";
import type { PciControllerModel } from "../devices/controller.ts";
import { type ConnectKind, PciBus } from "./pci-bus.ts";

/** A device that wants a place. */
export interface Wish {
  readonly kind: ConnectKind;
  /** What the place is for, for errors. */
  readonly device: object;
  /** The bus must be the root bus. */
  readonly integrated?: boolean | undefined;
}

/** The buses by index, with what is taken on each. */
export class PciBuses {
  readonly buses: PciBus[];
  /** Whether missing buses are added; otherwise there is no place. */
  readonly #grows: boolean;

  constructor(models: readonly PciControllerModel[], grows: boolean) {
    this.buses = models.map((model) => new PciBus(model));
    this.#grows = grows;
  }

  get isExpress(): boolean {
    return this.buses[0]?.model === "pcie-root";
  }

  /**
   * Takes exactly this place.
   *
   * @param written whether the XML says so, which allows PCI devices on PCI Express and the other way round.
   * @throws {HostdevError} `HD_DOMAIN_INVALID` when there is no such place, it is taken, or does not fit.
   */
  take(wish: Wish, place: PciAddress, written: boolean): void {
    const name = formatPciAddress(place);
    if (place.domain !== 0) throw invalid(wish.device, `PCI address ${name}: a guest has only PCI domain 0`);
    if (place.bus >= this.buses.length && this.#grows) this.#growTo(wish, place.bus);
    const bus = this.buses[place.bus];
    if (bus === undefined) {
      throw invalid(wish.device, `PCI address ${name}: the guest has only buses up to ${this.buses.length - 1}`);
    }
    if (wish.integrated === true && place.bus !== 0) {
      throw invalid(wish.device, `PCI address ${name}: this device must be on bus 0`);
    }
    if (!(written ? bus.allows(wish.kind) : bus.takes(wish.kind))) {
      throw invalid(
        wish.device,
        `PCI address ${name} is on the ${bus.model} with index ${place.bus}, which does not take a ${describe(wish.kind)}`,
      );
    }
    if (place.device < bus.firstSlot || place.device > bus.lastSlot) {
      throw invalid(
        wish.device,
        `PCI address ${name}: slots of the ${bus.model} with index ${place.bus} go from ${bus.firstSlot} to ${bus.lastSlot}`,
      );
    }
    if (bus.isTaken(place.device, place.function)) {
      throw invalid(wish.device, `PCI address ${name} is taken by another device`);
    }
    bus.take(place.device, place.function, sharesSlot(wish.kind));
  }

  /** Takes the lowest free place that fits. */
  takeNext(wish: Wish, fn = 0): PciAddress {
    const place = this.#findPlace(wish, fn) ?? this.#growFor(wish, fn);
    this.buses[place.bus]?.take(place.device, place.function, sharesSlot(wish.kind));
    return place;
  }

  isSlotTaken(bus: number, slot: number): boolean {
    return this.buses[bus]?.isSlotTaken(slot) ?? false;
  }

  #findPlace(wish: Wish, fn: number): PciAddress | undefined {
    for (const [index, bus] of this.buses.entries()) {
      if (wish.integrated === true ? index !== 0 : !bus.takes(wish.kind)) continue;
      const free = bus.findFree(sharesSlot(wish.kind), fn);
      if (free !== undefined) return { domain: 0, bus: index, device: free.slot, function: free.function };
    }
    return undefined;
  }

  #growFor(wish: Wish, fn: number): PciAddress {
    if (!this.#grows) throw invalid(wish.device, `no PCI slot is left for a ${describe(wish.kind)}`);
    this.#grow(wish);
    const bus = this.buses.length - 1;
    return { domain: 0, bus, device: this.buses[bus]?.firstSlot ?? 0, function: fn };
  }

  #growTo(wish: Wish, bus: number): void {
    while (this.buses.length <= bus) this.#grow(wish);
  }

  /** Adds the bus that such a device goes on, and what that bus itself has to be plugged into. */
  #grow({ kind, device }: Wish): void {
    const express = this.isExpress;
    if (kind === "pci" || (kind === "pci-bridge" && !express)) {
      if (!this.buses.some((bus) => bus.takes("pci-bridge"))) this.#add("pcie-root-port", "pcie-to-pci-bridge");
      else this.#add("pci-bridge");
    } else if (express && kind === "pci-bridge") {
      this.#add("pcie-root-port", "pcie-to-pci-bridge");
    } else if (express && (kind === "pcie" || kind === "pcie-switch-upstream-port" || kind === "pcie-to-pci-bridge")) {
      this.#add("pcie-root-port");
    } else {
      throw invalid(device, `no PCI slot is left for a ${describe(kind)}, and none can be added`);
    }
  }

  #add(...models: PciControllerModel[]): void {
    if (this.buses.length + models.length > 256) throw invalid({}, "the guest needs more than 256 PCI buses");
    this.buses.push(...models.map((model) => new PciBus(model)));
  }
}

/** Root ports share the functions of a slot, as they are not unplugged. */
function sharesSlot(kind: ConnectKind): boolean {
  return kind === "pcie-root-port";
}

function describe(kind: ConnectKind): string {
  if (kind === "pci") return "conventional PCI device";
  return kind === "pcie" ? "PCI Express device" : kind;
}
