// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { decodeCapabilities } from "./capabilities.ts";
import { readConfigSpace } from "./config-space.ts";
import { readDevicePath } from "./device-path.ts";
import { readPciFunction } from "./pci-function.ts";
import { readSriov } from "./sriov.ts";
import { pciDevices, readAttribute, readNumber } from "./sysfs.ts";

/**
 * What stays the same of a function over reboots, where its address, names and group number need not: bus numbers shift
 * when a card is added, and a card can be moved or swapped.
 */
export interface FunctionIdentity {
  /** The root bus and then `device.function` of each bridge down to the function itself: `["pci0000:00", "1c.0", "00.0"]`. */
  readonly path: readonly string[];
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemDeviceId: number;
  readonly classCode: number;
  /** 8 bits. */
  readonly revision: number;
  /** Number among its PF's VFs; `null` for what is no VF. */
  readonly virtualFunctionIndex: number | null;
  readonly serials: SerialNumbers;
}

/** Whatever tells this one from its twins; `null` and empty where it has none, or this caller cannot see it now. */
export interface SerialNumbers {
  /** PCI Express device serial number. Root only. A VF has its PF's or none. */
  readonly device: string | null;
  /** Visible while the driver `nvme` has it. */
  readonly nvme: string | null;
  /** Permanent MAC addresses, sorted. Visible while a network driver has it. */
  readonly mac: readonly string[];
}

/**
 * Reads the identity of a function; `undefined` when there is none at this address.
 *
 * Which serial numbers can be seen depends on the caller and on the driver, so compare only those that both sides have.
 * Vital product data have one too, but asking for them can take the device a second: see `readVitalProductData`.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/`. Needs: root for `serials.device`.
 * @param serials when they are known already, or not wanted: then the device itself is not asked.
 */
export function readFunctionIdentity(
  host: Host,
  address: string,
  serials?: SerialNumbers,
): FunctionIdentity | undefined {
  const fn = readPciFunction(host, address);
  const place = readDevicePath(host, address);
  if (fn === undefined || place === undefined) return undefined;
  const sriov = readSriov(host, address);
  return {
    path: [place.rootBus, ...[...place.bridges, address].map((above) => above.slice(above.lastIndexOf(":") + 1))],
    vendorId: fn.vendorId,
    deviceId: fn.deviceId,
    subsystemVendorId: fn.subsystemVendorId,
    subsystemDeviceId: fn.subsystemDeviceId,
    classCode: fn.classCode,
    revision: readNumber(host, `${pciDevices}/${address}/revision`) ?? 0,
    virtualFunctionIndex: sriov?.role === "virtual" ? sriov.index : null,
    serials: serials ?? readSerialNumbers(host, address),
  };
}

/** Reads the serial numbers alone. Touches and needs as `readFunctionIdentity`. */
export function readSerialNumbers(host: Host, address: string): SerialNumbers {
  const path = `${pciDevices}/${address}`;
  const config = readConfigSpace(host, address);
  const controllers = [...(host.list(`${path}/nvme`) ?? [])].sort();
  const [nvme] = controllers.map((name) => readAttribute(host, `${path}/nvme/${name}/serial`)).filter((text) => text);
  const interfaces = host.list(`${path}/net`) ?? [];
  const mac = interfaces
    .map((name) => readPermanentMac(host, `${path}/net/${name}`))
    .filter((text) => text !== undefined);
  return {
    device: config === undefined ? null : decodeCapabilities(config).serialNumber,
    nvme: nvme ?? null,
    mac: [...new Set(mac)].sort(),
  };
}

/** `addr_assign_type` 0: the card's own; others were made up by the kernel (VFs) or set by somebody. */
function readPermanentMac(host: Host, path: string): string | undefined {
  if ((readAttribute(host, `${path}/addr_assign_type`) ?? "0") !== "0") return undefined;
  const mac = readAttribute(host, `${path}/address`);
  return mac !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : undefined;
}
