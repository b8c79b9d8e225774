// SPDX-License-Identifier: Apache-2.0

/** What each kind of PCI bus has room for. libvirt: virDomainPCIAddressBusSetModel. */
import type { PciControllerModel } from "../devices/controller.ts";

/**
 * What a device needs of a bus: conventional PCI or PCI Express for endpoints, or, for controllers, a bus that takes
 * a controller of that model.
 */
export type ConnectKind = "pci" | "pcie" | Exclude<PciControllerModel, "pci-root" | "pcie-root">;

interface BusProperties {
  readonly accepts: readonly ConnectKind[];
  /** Whether endpoints are put there without being asked to. */
  readonly automatic: boolean;
  readonly firstSlot: number;
  readonly lastSlot: number;
}

const behindPort: readonly ConnectKind[] = ["pcie", "pcie-switch-upstream-port", "pcie-to-pci-bridge"];

const properties: Readonly<Record<PciControllerModel, BusProperties>> = {
  "pci-root": { accepts: ["pci", "pci-bridge", "pci-expander-bus"], automatic: true, firstSlot: 1, lastSlot: 31 },
  "pci-bridge": { accepts: ["pci", "pci-bridge"], automatic: true, firstSlot: 1, lastSlot: 31 },
  "pci-expander-bus": { accepts: ["pci", "pci-bridge"], automatic: false, firstSlot: 0, lastSlot: 31 },
  "pcie-root": {
    accepts: ["pcie", "pcie-root-port", "dmi-to-pci-bridge", "pcie-expander-bus"],
    automatic: false,
    firstSlot: 1,
    lastSlot: 31,
  },
  "pcie-expander-bus": {
    accepts: ["pcie-root-port", "dmi-to-pci-bridge"],
    automatic: false,
    firstSlot: 0,
    lastSlot: 31,
  },
  "dmi-to-pci-bridge": { accepts: ["pci", "pci-bridge"], automatic: false, firstSlot: 0, lastSlot: 31 },
  "pcie-to-pci-bridge": { accepts: ["pci", "pci-bridge"], automatic: true, firstSlot: 1, lastSlot: 31 },
  "pcie-root-port": { accepts: behindPort, automatic: true, firstSlot: 0, lastSlot: 0 },
  "pcie-switch-downstream-port": { accepts: behindPort, automatic: true, firstSlot: 0, lastSlot: 0 },
  "pcie-switch-upstream-port": {
    accepts: ["pcie-switch-downstream-port"],
    automatic: false,
    firstSlot: 0,
    lastSlot: 31,
  },
};

const isEndpoint = (kind: ConnectKind) => kind === "pci" || kind === "pcie";

/** One bus with the functions that are taken on it. */
export class PciBus {
  readonly model: PciControllerModel;
  readonly #properties: BusProperties;
  /** A bit per function, for each slot. */
  readonly #taken = new Uint8Array(32);
  /** Slots whose functions are shared by several root ports. */
  readonly #shared = new Set<number>();

  constructor(model: PciControllerModel) {
    this.model = model;
    this.#properties = properties[model];
  }

  get firstSlot(): number {
    return this.#properties.firstSlot;
  }

  get lastSlot(): number {
    return this.#properties.lastSlot;
  }

  /** Whether a device may be put there by us. */
  takes(kind: ConnectKind): boolean {
    return this.#properties.accepts.includes(kind) && (this.#properties.automatic || !isEndpoint(kind));
  }

  /** Whether a device may be put there by the XML, which may mix PCI and PCI Express. */
  allows(kind: ConnectKind): boolean {
    const { accepts } = this.#properties;
    if (accepts.includes(kind)) return true;
    const endpoints = accepts.some(isEndpoint);
    return endpoints && (isEndpoint(kind) || (kind === "pci-bridge" && accepts.includes("pci")));
  }

  isTaken(slot: number, fn: number): boolean {
    return ((this.#taken[slot] ?? 0) & (1 << fn)) !== 0;
  }

  isSlotTaken(slot: number): boolean {
    return (this.#taken[slot] ?? 0) !== 0;
  }

  take(slot: number, fn: number, shared: boolean): void {
    if (shared && !this.isSlotTaken(slot)) this.#shared.add(slot);
    this.#taken[slot] = (this.#taken[slot] ?? 0) | (1 << fn);
  }

  /** How many functions of a slot are taken. */
  countFunctions(slot: number): number {
    return [0, 1, 2, 3, 4, 5, 6, 7].filter((fn) => this.isTaken(slot, fn)).length;
  }

  /** The first place for a device; root ports (`shared`) fill the functions of a slot. */
  findFree(shared: boolean, fn = 0): { slot: number; function: number } | undefined {
    for (let slot = this.firstSlot; slot <= this.lastSlot; slot++) {
      if (!this.isSlotTaken(slot)) return { slot, function: fn };
      if (!shared || !this.#shared.has(slot)) continue;
      for (let free = 0; free < 8; free++) if (!this.isTaken(slot, free)) return { slot, function: free };
    }
    return undefined;
  }
}
