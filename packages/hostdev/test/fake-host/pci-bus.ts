// SPDX-License-Identifier: Apache-2.0
import { type Driver, isMatch, managesDma, probe } from "./drivers.ts";
import type { FakeFileSystem } from "./fake-file-system.ts";
import { addFunctionDirectory, type FunctionActions, removeFunctionDirectory } from "./function-directory.ts";
import { addressParts } from "./function-spec.ts";
import { addHostSide, removeHostSide } from "./host-side.ts";
import type { IommuGroups } from "./iommu-groups.ts";
import { KernelError } from "./kernel-error.ts";
import { control, pseudoDirectory, tunable } from "./nodes.ts";
import type { PciFunction } from "./pci-function.ts";
import type { VfioCdevs } from "./vfio-cdevs.ts";

/** What the bus works with. */
export interface PciBusParts {
  readonly fs: FakeFileSystem;
  readonly groups: IommuGroups;
  /** Makes the virtual functions of a PF. */
  readonly sriov: { create(fn: PciFunction, count: number): readonly PciFunction[] };
  /** Only on kernels with iommufd. */
  readonly cdevs: VfioCdevs | undefined;
  /** Reading and writing `driver_override` takes the device lock; see `MachineBuilder.overrideTakesLock()`. */
  readonly overrideTakesLock: boolean;
}

/**
 * The PCI bus of the running kernel: functions, registered drivers, and the driver core's acts on them
 * (drivers/base/bus.c and dd.c, read at 6.12); `test/contract` holds it against a running 6.12.
 */
export class PciBus implements FunctionActions {
  readonly functions = new Map<string, PciFunction>();
  /** The registered drivers, in order of registration, which is the order of probing. */
  readonly drivers = new Map<string, Driver>();
  readonly #fs: FakeFileSystem;
  readonly #groups: IommuGroups;
  readonly #sriov: PciBusParts["sriov"];
  readonly #cdevs: VfioCdevs | undefined;
  readonly #overrideTakesLock: boolean;
  #autoprobe = true;

  constructor(parts: PciBusParts) {
    const { fs, groups, sriov, cdevs, overrideTakesLock } = parts;
    this.#fs = fs;
    this.#groups = groups;
    this.#sriov = sriov;
    this.#cdevs = cdevs;
    this.#overrideTakesLock = overrideTakesLock;
    groups.onDeviceClosed((fn) => fn.resume());
    fs.directory("/sys/bus/pci/devices");
    fs.directory("/sys/bus/pci/drivers");
    fs.add(
      "/sys/bus/pci/drivers_probe",
      control((value) => this.#rescan(this.#find(value))),
    );
    fs.add(
      "/sys/bus/pci/drivers_autoprobe",
      tunable(
        () => `${this.#autoprobe ? 1 : 0}\n`,
        (value) => {
          this.#autoprobe = !value.startsWith("0");
        },
      ),
    );
    fs.add(
      "/sys/bus/pci/rescan",
      control(() => {}),
    );
  }

  /** A function comes up: its directory and group, then whatever driver takes it. */
  addFunction(fn: PciFunction): void {
    this.functions.set(fn.address, fn);
    addFunctionDirectory(this.#fs, fn, this);
    this.#groups.add(fn);
    if (this.#autoprobe) this.#attachAny(fn);
  }

  /** A driver registers, when its module is loaded: it takes all free functions that it matches, overridden ones too. */
  addDriver(driver: Driver): void {
    this.drivers.set(driver.name, driver);
    const path = `/sys/bus/pci/drivers/${driver.name}`;
    this.#fs.add(path, pseudoDirectory());
    this.#fs.add(
      `${path}/bind`,
      control((value) => this.#bind(driver, value)),
    );
    this.#fs.add(
      `${path}/unbind`,
      control((value) => this.#unbindFrom(driver, value)),
    );
    this.#fs.add(
      `${path}/new_id`,
      control((value) => this.#newId(driver, value)),
    );
    this.#fs.add(
      `${path}/remove_id`,
      control((value) => this.#removeId(driver, value)),
    );
    this.#fs.add(
      `${path}/uevent`,
      control(() => {}),
    );
    if (driver.module !== null) this.#fs.link(`${path}/module`, `/sys/module/${driver.module}`);
    if (this.#autoprobe) this.#attachAll(driver);
  }

  /** A driver goes, with its module: it leaves all its functions. */
  removeDriver(driver: Driver): void {
    for (const fn of this.functions.values()) if (fn.driver === driver) this.unbind(fn);
    this.drivers.delete(driver.name);
    driver.dynamicIds.clear();
    this.#fs.remove(`/sys/bus/pci/drivers/${driver.name}`);
  }

  /** Takes a function from its driver; one whose device file is open stays until that is closed. @throws {KernelHang} */
  unbind(fn: PciFunction): void {
    const driver = fn.driver;
    if (driver === undefined) return;
    fn.lock(() => this.unbind(fn));
    this.#unlinkDriver(fn, driver);
    if (fn.isOpen) fn.wait(() => this.#completeUnbind(fn, driver));
    this.#completeUnbind(fn, driver);
  }

  /** `driver_sysfs_remove`, which comes before the driver's own remove(): while that hangs, the links are gone. */
  #unlinkDriver(fn: PciFunction, driver: Driver): void {
    this.#fs.remove(`${fn.path}/driver`);
    this.#fs.remove(`/sys/bus/pci/drivers/${driver.name}/${fn.address}`);
  }

  /** `device_attach`: the first driver that matches and takes it; does nothing when all refuse. */
  #attachAny(fn: PciFunction): void {
    for (const driver of this.drivers.values()) {
      if (!isMatch(driver, fn)) continue;
      const failure = this.#attach(driver, fn);
      if (failure === undefined) return;
      if (failure.isFinal) throw new KernelError(failure.errno);
    }
  }

  #attachAll(driver: Driver): void {
    for (const fn of this.functions.values())
      if (fn.driver === undefined && isMatch(driver, fn)) this.#attach(driver, fn);
  }

  /** `__driver_probe_device`. A driver's own refusal lets the next one try; the bus's refusal is final. */
  #attach(driver: Driver, fn: PciFunction): { errno: string; isFinal: boolean } | undefined {
    if (fn.driver !== undefined) return { errno: "EBUSY", isFinal: true };
    // pci_device_can_probe()
    if (fn.physical?.probesVirtuals === false && fn.override === undefined) return { errno: "ENODEV", isFinal: false };
    if (!managesDma(driver.kind) && this.#groups.isClaimed(fn.group)) return { errno: "EBUSY", isFinal: true };
    const errno = probe(driver, fn);
    if (errno !== undefined) return { errno, isFinal: false };
    fn.setDriver(driver);
    this.#fs.link(`${fn.path}/driver`, `/sys/bus/pci/drivers/${driver.name}`);
    this.#fs.link(`/sys/bus/pci/drivers/${driver.name}/${fn.address}`, fn.path);
    if (driver.kind === "native") addHostSide(this.#fs, fn);
    if (driver.kind === "vfio") {
      this.#groups.updateNode(fn.group);
      this.#cdevs?.add(fn);
    }
    return undefined;
  }

  #completeUnbind(fn: PciFunction, driver: Driver): void {
    if (driver.kind === "native") {
      this.#removeVirtuals(fn, () => this.#completeUnbind(fn, driver));
      removeHostSide(this.#fs, fn);
    }
    fn.setDriver(undefined);
    if (driver.kind === "vfio") this.#cdevs?.remove(fn);
    if (driver.kind === "vfio") this.#groups.updateNode(fn.group);
  }

  /** `bus_find_device_by_name` takes the name with or without a final newline (`sysfs_streq`). */
  #find(value: string): PciFunction {
    const fn = this.functions.get(value.replace(/\n$/, ""));
    if (fn === undefined) throw new KernelError("ENODEV");
    return fn;
  }

  #rescan(fn: PciFunction): void {
    if (fn.driver !== undefined) return;
    try {
      this.#attachAny(fn);
    } catch (error) {
      // drivers_probe_store() gives EINVAL for every error of device_attach(), such as EBUSY of a claimed group.
      throw error instanceof KernelError ? new KernelError("EINVAL") : error;
    }
  }

  #bind(driver: Driver, value: string): void {
    const fn = this.#find(value);
    if (!isMatch(driver, fn)) throw new KernelError("ENODEV");
    fn.lock(() => this.#bind(driver, value));
    const failure = this.#attach(driver, fn);
    if (failure !== undefined) throw new KernelError(failure.errno);
  }

  #unbindFrom(driver: Driver, value: string): void {
    const fn = this.#find(value);
    if (fn.driver !== driver) throw new KernelError("ENODEV");
    this.unbind(fn);
  }

  #newId(driver: Driver, value: string): void {
    const ids = idsOf(value);
    if (driver.ids.has(ids) || driver.dynamicIds.has(ids)) throw new KernelError("EEXIST");
    driver.dynamicIds.add(ids);
    this.#attachAll(driver);
  }

  #removeId(driver: Driver, value: string): void {
    if (!driver.dynamicIds.delete(idsOf(value))) throw new KernelError("ENODEV");
  }

  setOverride(fn: PciFunction, value: string): void {
    if (value.length >= 4095) throw new KernelError("EINVAL");
    if (this.#overrideTakesLock) fn.lock(() => this.setOverride(fn, value));
    const name = value.split("\0")[0]?.split("\n")[0] ?? "";
    fn.override = name === "" ? undefined : name;
  }

  readOverride(fn: PciFunction): string {
    if (this.#overrideTakesLock && fn.isReleasing) {
      throw new Error(`reading driver_override of ${fn.address} hangs while its unbind does`); // and nobody could help
    }
    return `${fn.override ?? "(null)"}\n`;
  }

  /**
   * `pci_reset_function`. Whether the bus can be reset is found out when the function is, before its neighbours are: a
   * method `bus` that then fails with ENOTTY stays listed.
   */
  reset(fn: PciFunction, methods: readonly string[]): void {
    fn.lock(() => this.reset(fn, methods));
    const { bus, domain } = addressParts(fn.address);
    const isNeighbour = (other: PciFunction) => {
      const parts = addressParts(other.address);
      return other !== fn && parts.bus === bus && parts.domain === domain;
    };
    const works = (method: string) => method !== "bus" || ![...this.functions.values()].some(isNeighbour);
    if (!methods.some(works)) throw new KernelError("ENOTTY");
    fn.resets += 1;
  }

  setVirtualFunctions(fn: PciFunction, value: string): void {
    const text = value.trim();
    const count = Number(text);
    if (text === "" || !Number.isInteger(count) || count < 0) throw new KernelError("EINVAL");
    if (count > (fn.spec.vfs?.total ?? 0)) throw new KernelError("ERANGE");
    fn.lock(() => this.setVirtualFunctions(fn, value));
    if (count === fn.virtuals.length) return;
    if (fn.driver?.kind !== "native") throw new KernelError("ENOENT");
    if (count === 0) return this.#removeVirtuals(fn, () => this.setVirtualFunctions(fn, value));
    if (fn.virtuals.length > 0) throw new KernelError("EBUSY");
    const created = this.#sriov.create(fn, count);
    fn.virtuals.push(...created);
    for (const virtual of created) this.addFunction(virtual);
  }

  /** @param again what to do when the wait for a user is over. @throws {KernelHang} */
  remove(fn: PciFunction, again = () => this.remove(fn)): void {
    this.#removeVirtuals(fn, again);
    fn.lock(again);
    if (fn.isOpen && fn.driver !== undefined) {
      this.#unlinkDriver(fn, fn.driver);
      fn.wait(again);
    }
    this.unbind(fn);
    removeFunctionDirectory(this.#fs, fn);
    this.#groups.remove(fn);
    this.functions.delete(fn.address);
    fn.physical?.virtuals.splice(fn.physical.virtuals.indexOf(fn), 1);
  }

  #removeVirtuals(fn: PciFunction, again: () => void): void {
    for (const virtual of [...fn.virtuals].reverse()) this.remove(virtual, again);
  }
}

function idsOf(value: string): string {
  const match = /^\s*([0-9a-f]{1,4})\s+([0-9a-f]{1,4})\b/i.exec(value);
  if (match === null) throw new KernelError("EINVAL");
  return `${match[1]?.padStart(4, "0")}:${match[2]?.padStart(4, "0")}`.toLowerCase();
}
