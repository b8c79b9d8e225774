// SPDX-License-Identifier: Apache-2.0
import { hasPowerManagement, makeConfigSpace, setEnabled } from "./config-space.ts";
import type { Driver } from "./drivers.ts";
import { type FunctionSpec, hex, idParts } from "./function-spec.ts";
import { KernelError, KernelHang } from "./kernel-error.ts";

/** Where a function is, and what it is to others. */
interface Place {
  /** Its directory, `/sys/devices/pci0000:00/...`. */
  readonly path: string;
  readonly group: number | undefined;
  /** Function 0 of a device with several: its header says so. */
  readonly isFirstOfMany?: boolean;
  readonly physical?: PciFunction;
}

/** A function as the running kernel sees it; made anew at each boot. */
export class PciFunction {
  readonly spec: FunctionSpec;
  readonly address: string;
  /** Its directory, `/sys/devices/pci0000:00/...`. */
  readonly path: string;
  readonly group: number | undefined;
  readonly config: Uint8Array;
  /** The PF, when this is a virtual function. */
  readonly physical: PciFunction | undefined;
  /** The virtual functions that exist, when this is a PF. */
  readonly virtuals: PciFunction[] = [];
  driver: Driver | undefined;
  override: string | undefined;
  /** A user has its VFIO device file open: an unbind from vfio-pci waits. */
  isOpen = false;
  /** Whether drivers may take its virtual functions by themselves (`sriov_drivers_autoprobe`). */
  probesVirtuals = true;
  /** What its PF holds it to, when this is a virtual function. */
  settings = { mac: "00:00:00:00:00:00", vlan: 0 };
  /** How often it was reset through sysfs. */
  resets = 0;
  /** Calls that wait for the device lock, held while an unbind waits for a user to close the device. */
  readonly #waiting: { readonly hang: KernelHang; readonly act: () => void }[] = [];
  #wasBound = false;

  constructor(spec: FunctionSpec, { path, group, physical, isFirstOfMany = false }: Place) {
    this.spec = spec;
    this.address = spec.address;
    this.path = path;
    this.group = group;
    this.physical = physical;
    this.config = makeConfigSpace(spec, { isVirtual: physical !== undefined, isFirstOfMany });
  }

  get ids(): string {
    return this.spec.ids ?? "1b36:0010";
  }

  get isBridge(): boolean {
    return this.spec.bridge !== undefined;
  }

  /** PCIe port type of a bridge that has one. */
  get portType(): number | undefined {
    return (this.spec.pcie ?? true) ? (this.spec.bridge?.portType ?? (this.isBridge ? 4 : undefined)) : undefined;
  }

  get resetMethods(): readonly string[] {
    return this.spec.reset ?? (this.isBridge ? [] : ["flr"]);
  }

  /** An unbind has begun and waits; the `driver` link is gone already, the driver is not. */
  get isReleasing(): boolean {
    return this.#waiting.length > 0;
  }

  /** Lets a call hang; `act` is what it does once `resume` is called. */
  wait(act: () => void): never {
    const hang = new KernelHang();
    this.#waiting.push({ hang, act });
    throw hang;
  }

  /** The device lock: who comes while an unbind waits, waits too. */
  lock(act: () => void): void {
    if (this.isReleasing) this.wait(act);
  }

  /** Ends the waiting calls, in the order in which they came. */
  resume(): void {
    for (const { hang, act } of this.#waiting.splice(0)) {
      try {
        act();
        hang.release();
      } catch (error) {
        if (error instanceof KernelHang) error.onRelease(() => hang.release(error.failure));
        else if (error instanceof KernelError) hang.release(error);
        else throw error;
      }
    }
  }

  /** Driver core and PCI core's part of binding; links and children are made by others. */
  setDriver(driver: Driver | undefined): void {
    this.driver = driver;
    if (driver !== undefined) this.#wasBound = true;
    setEnabled(this.config, driver?.kind === "native" || driver?.kind === "port");
  }

  get powerState(): string {
    const canSleep = hasPowerManagement(this.spec);
    if (canSleep && this.driver?.kind === "vfio" && !this.isOpen) return "D3hot";
    return canSleep || this.#wasBound ? "D0" : "unknown";
  }

  /** Whether the driver has enabled it; vfio-pci does so while its device file is open. */
  get isEnabled(): boolean {
    return this.driver?.kind === "native" || this.driver?.kind === "port" || this.isOpen;
  }

  get modalias(): string {
    const { vendor, device } = idParts(this.ids);
    const subsystem = idParts(this.spec.subsystem ?? "1af4:1100");
    const [base, sub, interface_] = this.#classParts();
    const upper = (value: number, digits: number) => hex(value, digits).toUpperCase();
    return (
      `pci:v${upper(vendor, 8)}d${upper(device, 8)}sv${upper(subsystem.vendor, 8)}sd${upper(subsystem.device, 8)}` +
      `bc${upper(base, 2)}sc${upper(sub, 2)}i${upper(interface_, 2)}`
    );
  }

  get uevent(): string {
    const classCode = Number.parseInt(this.spec.class ?? "020000", 16)
      .toString(16)
      .toUpperCase();
    const lines = [
      ...(this.driver === undefined ? [] : [`DRIVER=${this.driver.name}`]),
      `PCI_CLASS=${classCode}`,
      `PCI_ID=${this.ids.toUpperCase()}`,
      `PCI_SUBSYS_ID=${(this.spec.subsystem ?? "1af4:1100").toUpperCase()}`,
      `PCI_SLOT_NAME=${this.address}`,
      `MODALIAS=${this.modalias}`,
    ];
    return `${lines.join("\n")}\n`;
  }

  #classParts(): [number, number, number] {
    const code = Number.parseInt(this.spec.class ?? "020000", 16);
    return [code >> 16, (code >> 8) & 255, code & 255];
  }
}
