// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { readHostNames } from "./host-names.ts";
import { pciDevices, readAttributeBytes, readLinkName, readNumber } from "./sysfs.ts";

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
 * Touches: reads `/sys/bus/pci/devices/<address>/`. Needs: nothing.
 */
export function readPciFunction(host: Host, address: string): PciFunction | undefined {
  const path = `${pciDevices}/${address}`;
  const classCode = readNumber(host, `${path}/class`);
  if (classCode === undefined) return undefined;
  const group = readLinkName(host, `${path}/iommu_group`);
  const numaNode = readNumber(host, `${path}/numa_node`) ?? -1;
  return {
    address,
    vendorId: readNumber(host, `${path}/vendor`) ?? 0xffff,
    deviceId: readNumber(host, `${path}/device`) ?? 0xffff,
    subsystemVendorId: readNumber(host, `${path}/subsystem_vendor`) ?? 0,
    subsystemDeviceId: readNumber(host, `${path}/subsystem_device`) ?? 0,
    classCode,
    isBridge: isBridge(host, path, classCode),
    driver: readLinkName(host, `${path}/driver`) ?? null,
    group: group === undefined ? null : Number(group),
    numaNode: numaNode < 0 ? null : numaNode,
    hostNames: readHostNames(host, path),
    isBootVga: readNumber(host, `${path}/boot_vga`) === 1,
    physicalFunction: readLinkName(host, `${path}/physfn`) ?? null,
  };
}

/**
 * The header type decides (PCI Local Bus 3.0, 6.1), since some bridges give another class; a device that has fallen
 * off the bus answers all ones, and then the class, which the kernel remembers, is all there is.
 */
function isBridge(host: Host, path: string, classCode: number): boolean {
  const headerType = readAttributeBytes(host, `${path}/config`, 16)?.[0x0e];
  if (headerType === undefined || headerType === 0xff) return classCode >> 8 === 0x0604;
  return (headerType & 0x7f) !== 0;
}
