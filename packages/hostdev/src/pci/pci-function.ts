// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
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
 * Few reads, since a listing does them for every function: `uevent` has class and ids in one file, and the
 * folder's names tell which other files there are. It has the driver too, but still while an unbind hangs, when the
 * link `driver` is gone already: the link is what everything else here goes by.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/`. Needs: nothing.
 */
export function readPciFunction(host: Host, address: string): PciFunction | undefined {
  const path = `${pciDevices}/${address}`;
  const uevent = readAttribute(host, `${path}/uevent`) ?? "";
  const classCode = Number.parseInt(/^PCI_CLASS=([0-9A-F]{1,6})$/m.exec(uevent)?.[1] ?? "", 16);
  if (Number.isNaN(classCode)) return undefined;
  const children = listFolder(host, path);
  if (children.size === 0) return undefined;
  const [vendorId, deviceId] = parseIds(/^PCI_ID=(.*)$/m.exec(uevent)?.[1]);
  const [subsystemVendorId, subsystemDeviceId] = parseIds(/^PCI_SUBSYS_ID=(.*)$/m.exec(uevent)?.[1]);
  const link = (name: string) => (children.has(name) ? (readLinkName(host, `${path}/${name}`) ?? null) : null);
  const group = link("iommu_group");
  const numaNode = children.has("numa_node") ? (readNumber(host, `${path}/numa_node`) ?? -1) : -1;
  return {
    address,
    vendorId,
    deviceId,
    subsystemVendorId,
    subsystemDeviceId,
    classCode,
    // The kernel gives this file to what has a bridge's header (type 1 or 2), whatever its class says.
    isBridge: children.has("secondary_bus_number") || classCode >> 8 === 0x0604,
    isPlatform: isPlatformClass(classCode),
    driver: link("driver"),
    group: group === null || !/^\d+$/.test(group) ? null : Number(group),
    numaNode: numaNode < 0 ? null : numaNode,
    hostNames: readHostNames(host, path, children),
    isBootVga: children.has("boot_vga") && readNumber(host, `${path}/boot_vga`) === 1,
    physicalFunction: children.has("physfn") ? (readLinkedAddress(host, `${path}/physfn`) ?? null) : null,
  };
}

function listFolder(host: Host, path: string): ReadonlySet<string> {
  try {
    return new Set(host.list(path));
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return new Set(); // it vanished meanwhile
    throw error;
  }
}

/** `8086:10D3`; all ones for what cannot be read, as from a device that is gone. */
function parseIds(text: string | undefined): readonly [number, number] {
  const match = /^([0-9A-F]{1,4}):([0-9A-F]{1,4})$/i.exec(text ?? "");
  return match === null ? [0xffff, 0xffff] : [Number.parseInt(match[1] ?? "", 16), Number.parseInt(match[2] ?? "", 16)];
}

/** Bridges of all kinds (06), memory (05), and the base peripherals: interrupt and DMA controllers, timers, IOMMU (08). */
function isPlatformClass(classCode: number): boolean {
  const base = classCode >> 16;
  return base === 0x05 || base === 0x06 || (base === 0x08 && classCode >> 8 !== 0x0805 && classCode >> 8 !== 0x0880);
}
