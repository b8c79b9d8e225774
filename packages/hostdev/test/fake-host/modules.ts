// SPDX-License-Identifier: Apache-2.0
import type { Driver } from "./drivers.ts";
import type { FakeFileSystem } from "./fake-file-system.ts";
import type { GroupHolder, IommuGroups } from "./iommu-groups.ts";
import { attribute } from "./nodes.ts";
import type { PciBus } from "./pci-bus.ts";

/** Which module needs which, as in modules.dep: they are loaded before it, and go with the last one that needs them. */
const requires: Readonly<Record<string, readonly string[]>> = {
  vfio_iommu_type1: ["vfio"],
  vfio_pci_core: ["vfio", "irqbypass"],
  vfio_pci: ["vfio_pci_core", "vfio"],
};

/** What is loaded after a module, as in modules.softdep: `modprobe -r vfio-pci` leaves it, and thus vfio, behind. */
const follows: Readonly<Record<string, readonly string[]>> = { vfio: ["vfio_iommu_type1"] };

/** The kernel's modules: what is loaded, what can be, and which drivers come with them. */
export class Modules {
  readonly loaded = new Set<string>();
  /** Files below /lib/modules that have been taken away (`withoutModule`). */
  readonly missing: ReadonlySet<string>;
  readonly #fs: FakeFileSystem;
  readonly #bus: PciBus;
  readonly #groups: IommuGroups;
  readonly #drivers: readonly Driver[];
  #hasStaticNode = false;

  constructor(
    parts: { fs: FakeFileSystem; bus: PciBus; groups: IommuGroups; drivers: readonly Driver[] },
    missing: ReadonlySet<string>,
  ) {
    this.#fs = parts.fs;
    this.#bus = parts.bus;
    this.#groups = parts.groups;
    this.#drivers = parts.drivers;
    this.missing = missing;
    for (const driver of this.#drivers) if (driver.module === null) this.#bus.addDriver(driver);
  }

  /** Whether `modprobe` finds it. */
  exists(module: string): boolean {
    const name = canonical(module);
    if (this.missing.has(name)) return false;
    const libraries = ["vfio", "vfio_iommu_type1", "vfio_pci_core", "irqbypass"];
    return libraries.includes(name) || this.#driversOf(name).length > 0;
  }

  isBuiltIn(module: string): boolean {
    // pcieport is the driver's name, not its module's: modprobe does not find it.
    const builtIn = this.#drivers.filter((driver) => driver.module === null && driver.kind !== "port");
    return builtIn.some((driver) => canonical(driver.name) === canonical(module));
  }

  /** Loads a module and what it requires; does nothing when it is loaded. */
  load(module: string): void {
    const name = canonical(module);
    if (this.loaded.has(name)) return;
    this.loaded.add(name);
    for (const required of requires[name] ?? []) this.load(required);
    this.#fs.add(`/sys/module/${name}/initstate`, attribute("live"));
    this.#fs.add(
      `/sys/module/${name}/refcnt`,
      attribute(() => `${this.#users(name).length}\n`),
    );
    if (name === "vfio") {
      if (!this.#hasStaticNode)
        this.#fs.add("/dev/vfio/vfio", { kind: "character-device", mode: 0o666, uid: 0, gid: 0 });
      this.#fs.directory("/sys/class/vfio");
    }
    for (const driver of this.#driversOf(name)) this.#bus.addDriver(driver);
    for (const following of follows[name] ?? []) this.load(following);
  }

  /** `/dev/vfio/vfio` before the module is there (systemd's static nodes): opening it, by anybody, loads the module. */
  makeStaticNode(): void {
    this.#hasStaticNode = true;
    const open = () => {
      if (!this.exists("vfio")) return "ENODEV";
      this.load("vfio");
      return undefined;
    };
    this.#fs.add("/dev/vfio/vfio", { kind: "character-device", mode: 0o666, uid: 0, gid: 0, open });
  }

  /** Whether `modprobe -r` is refused: another module needs it, or a process has a device of it open. */
  isInUse(module: string): boolean {
    return this.#users(canonical(module)).length > 0;
  }

  /** Unloads a module and those it required that nobody else needs. */
  unload(module: string): void {
    const name = canonical(module);
    if (!this.loaded.delete(name)) return;
    for (const driver of this.#driversOf(name)) this.#bus.removeDriver(driver);
    this.#fs.remove(`/sys/module/${name}`);
    if (name === "vfio") {
      if (!this.#hasStaticNode) this.#fs.remove("/dev/vfio");
      this.#fs.remove("/sys/class/vfio");
    }
    for (const required of requires[name] ?? []) if (!this.isInUse(required)) this.unload(required);
  }

  #users(name: string): string[] {
    const modules = [...this.loaded].filter((other) => requires[other]?.includes(name) === true);
    const holders = this.#groups.numbers().flatMap((group) => this.#groups.holder(group) ?? []);
    const isUser = ({ devices, claims }: GroupHolder) =>
      name === "vfio" || (name === "vfio_iommu_type1" && claims) || (name === "vfio_pci" && devices.size > 0);
    return [...modules, ...holders.filter(isUser).map(({ group }) => `group ${group}`)];
  }

  #driversOf(name: string): readonly Driver[] {
    return this.#drivers.filter((driver) => driver.module === name);
  }
}

/** The kernel's spelling: `vfio_pci` for `vfio-pci`. */
export function canonical(module: string): string {
  return module.replaceAll("-", "_");
}
