// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { readHostNames } from "./host-names.ts";
import { pciDevices, readAttribute, readLinkedAddress, readLinkName, readNumber } from "./sysfs.ts";

/** One PCI function as sysfs shows it to any user. */
export interface PciFunction {
  /** The kernel's spelling, `0000:01:00.0`. */
  readonly address: string;
  /** 16 bits each. */
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemDeviceId: number;
  /** 24 bits: class, subclass, programming interface. */
  readonly classCode: number;
  /** A PCI bridge has a secondary bus; it is never lent and never keeps a group from being viable. */
  readonly isBridge: boolean;
  /** An endpoint that the machine itself is made of (host bridge, ISA bridge, memory, timers): it is never lent. */
  readonly isPlatform: boolean;
  /**
   * The bound driver. The override is not here: reading it waits for the device's lock, and would hang every listing
   * for as long as one unbind hangs. See `readBinding`.
   */
  readonly driver: string | null;
  /** `null` without an IOMMU. Changes from boot to boot: never store it. */
  readonly group: number | null;
  /** `null` on machines that have one node only. */
  readonly numaNode: number | null;
  /** What the host calls the things behind it: `enp1s0`, `nvme0n1`, `card0`. */
  readonly hostNames: readonly string[];
  /** The device whose text settings the firmware showed its screen on. */
  readonly isBootVga: boolean;
  /** The PF of a VF. */
  readonly physicalFunction: string | null;
}

/**
 * Reads one function. `undefined` when there is none at this address.
 *
 * Few reads, since a listing does them for every function: `uevent` has class and ids in one file, and tells whether
 * there is a driver. Which one it is, the link says: while an unbind hangs, `uevent` still has it, when the link is gone
 * already, and the link is what everything else here goes by.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/`. Needs: nothing.
 */
export function readPciFunction(host: Host, address: string): PciFunction | undefined {
  const path = `${pciDevices}/${address}`;
  const uevent = readAttribute(host, `${path}/uevent`) ?? "";
  const classCode = Number.parseInt(/^PCI_CLASS=([0-9A-F]{1,6})$/m.exec(uevent)?.[1] ?? "", 16);
  if (Number.isNaN(classCode)) return undefined;
  const has = (name: string) => host.status(`${path}/${name}`) !== undefined;
  const [vendorId, deviceId] = parseIds(/^PCI_ID=(.*)$/m.exec(uevent)?.[1]);
  const [subsystemVendorId, subsystemDeviceId] = parseIds(/^PCI_SUBSYS_ID=(.*)$/m.exec(uevent)?.[1]);
  const driver = /^DRIVER=/m.test(uevent) ? (readLinkName(host, `${path}/driver`) ?? null) : null;
  const groupName = readLinkName(host, `${path}/iommu_group`) ?? "";
  const group = /^\d+$/.test(groupName) ? Number(groupName) : null;
  const numaNode = readNumber(host, `${path}/numa_node`) ?? -1;
  // The kernel gives this file to what has a bridge's header (type 1 or 2), whatever its class says.
  const isBridge = classCode >> 8 === 0x0604 || has("secondary_bus_number");
  const physicalFunction = has("physfn") ? (readLinkedAddress(host, `${path}/physfn`) ?? null) : null;
  // So it looks too when it has vanished since `uevent` was read.
  if ((driver === null || group === null) && host.status(path) === undefined) return undefined;
  return {
    address,
    vendorId,
    deviceId,
    subsystemVendorId,
    subsystemDeviceId,
    classCode,
    isBridge,
    isPlatform: isPlatformClass(classCode),
    driver,
    group,
    numaNode: numaNode < 0 ? null : numaNode,
    hostNames:
      driver === null || isBridge || isUserDriver(driver) ? [] : readHostNames(host, path, classCode, vendorId),
    isBootVga: isVga(classCode) && readNumber(host, `${path}/boot_vga`) === 1,
    physicalFunction,
  };
}

/** Drivers that make nothing for the host: no interface, no disk. */
function isUserDriver(driver: string): boolean {
  return driver === "vfio-pci" || driver === "pci-stub";
}

/** Exactly these have a file `boot_vga` (`pci_is_vga`, include/linux/pci.h). */
function isVga(classCode: number): boolean {
  return classCode >> 8 === 0x0300 || classCode >> 8 === 0x0001;
}

/**
 * Vendor and device in the kernel's form, `8086:10D3`; all ones for what cannot be read, as from a device that is gone.
 * Pure.
 */
export function parseIds(text: string | undefined): readonly [number, number] {
  const match = /^([0-9A-F]{1,4}):([0-9A-F]{1,4})$/i.exec(text ?? "");
  return match === null ? [0xffff, 0xffff] : [Number.parseInt(match[1] ?? "", 16), Number.parseInt(match[2] ?? "", 16)];
}

/** Bridges of all kinds (06), memory (05), and the base peripherals: interrupt and DMA controllers, timers, IOMMU (08). */
function isPlatformClass(classCode: number): boolean {
  const base = classCode >> 16;
  return base === 0x05 || base === 0x06 || (base === 0x08 && classCode >> 8 !== 0x0805 && classCode >> 8 !== 0x0880);
}
