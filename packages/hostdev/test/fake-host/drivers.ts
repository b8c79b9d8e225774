// SPDX-License-Identifier: Apache-2.0
import { canonical } from "./modules.ts";
import type { PciFunction } from "./pci-function.ts";
import type { Topology } from "./topology.ts";

/**
 * How a driver treats its functions:
 * - `native`: uses it, with DMA through the kernel's own domain, so that the group is no longer viable;
 * - `vfio`: gives it to user space; refuses bridges and functions without IOMMU group (both EINVAL);
 * - `stub`: holds it and does nothing; takes everything, bridges too;
 * - `port`: pcieport, for PCIe bridges only.
 * All but `native` have `driver_managed_dma` set in the kernel.
 */
export type DriverKind = "native" | "vfio" | "stub" | "port";

/** A PCI driver of the kernel that the machine runs, whether its module is loaded or not. */
export interface Driver {
  readonly name: string;
  readonly kind: DriverKind;
  /** `null`: built in. */
  readonly module: string | null;
  /** `vendor:device` pairs of the id table. vfio-pci's entry is override-only, and pci-stub has none: both empty. */
  readonly ids: Set<string>;
  /** Added by `new_id`. */
  readonly dynamicIds: Set<string>;
}

export function driver(name: string, kind: DriverKind, module: string | null): Driver {
  return { name, kind, module, ids: new Set(), dynamicIds: new Set() };
}

/** The drivers that every kernel here has. */
export function standardDrivers(): Driver[] {
  return [
    driver("pcieport", "port", null),
    driver("vfio-pci", "vfio", "vfio_pci"),
    driver("pci-stub", "stub", "pci_stub"),
  ];
}

/** Whether functions bound to this driver leave the group viable. */
export function managesDma(kind: DriverKind): boolean {
  return kind !== "native";
}

/**
 * `pci_match_device` of drivers/pci/pci-driver.c: a driver override shuts all others out and always matches its
 * driver; otherwise the dynamic ids and the id table decide.
 */
export function isMatch(driver: Driver, fn: PciFunction): boolean {
  if (fn.override !== undefined) return fn.override === driver.name;
  if (driver.kind === "port") return fn.isBridge;
  return driver.dynamicIds.has(fn.ids) || driver.ids.has(fn.ids);
}

/** The probe function of the driver itself: an errno, or nothing when it takes the function. */
export function probe(driver: Driver, fn: PciFunction): string | undefined {
  switch (driver.kind) {
    case "vfio":
      return fn.isBridge || fn.group === undefined ? "EINVAL" : undefined;
    case "stub":
      return undefined;
    case "port":
      return fn.portType !== undefined && fn.portType !== 7 ? undefined : "ENODEV";
    case "native":
      if (!driver.ids.has(fn.ids) && !driver.dynamicIds.has(fn.ids)) return "ENODEV"; // only an override matched
      return fn.spec.probeErrno;
  }
}

/** The kernel's drivers: the standard ones, and the native ones with the ids of the functions they are said to drive. */
export function driversFor(topology: Topology): Driver[] {
  const drivers = new Map(standardDrivers().map((each) => [each.name, each]));
  const learn = (name: string | undefined, module: string | null | undefined, ids: string) => {
    if (name === undefined) return;
    const known = drivers.get(name) ?? driver(name, "native", module === undefined ? canonical(name) : module);
    drivers.set(name, known);
    if (known.kind === "native") known.ids.add(ids);
  };
  for (const spec of topology.functions.values()) {
    learn(spec.driver, spec.module, spec.ids ?? "1b36:0010");
    if (spec.vfs !== undefined) learn(spec.vfs.driver, undefined, spec.vfs.ids);
  }
  return [...drivers.values()];
}
