// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { tryParsePciAddress } from "./address.ts";

/** Where sysfs has functions, drivers and groups. */
export const pciDevices = "/sys/bus/pci/devices";
export const pciDrivers = "/sys/bus/pci/drivers";
export const iommuGroups = "/sys/kernel/iommu_groups";

/** The attribute's trimmed text; `undefined` when it is absent or this caller may not read it. */
export function readAttribute(host: Host, path: string): string | undefined {
  try {
    return host.readText(path)?.trim();
  } catch (error) {
    // EACCES: root's alone (vpd, rom). EINVAL, EIO: the driver has no answer just now (speed of a NIC that is down).
    if (isHostdevError(error, "HD_FILE")) return undefined;
    throw error;
  }
}

/** The names in a directory, sorted; none when it is absent or this caller may not list it. */
export function listNames(host: Host, path: string): readonly string[] {
  try {
    return [...(host.list(path) ?? [])].sort();
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return []; // as with readAttribute
    throw error;
  }
}

/** The file's bytes, from its start on; `undefined` when it is absent or this caller may not read it. */
export function readAttributeBytes(host: Host, path: string, maxBytes: number): Uint8Array | undefined {
  try {
    return host.readBytes(path, maxBytes);
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return undefined; // as with readAttribute
    throw error;
  }
}

/** A number in decimal or `0x` form; `undefined` when absent or not a number. */
export function readNumber(host: Host, path: string): number | undefined {
  const text = readAttribute(host, path);
  if (text === undefined || !/^(-?\d+|0x[0-9a-f]+)$/i.test(text)) return undefined;
  return Number(text);
}

/** The last part of a link's target, as with `driver` and `iommu_group`. */
export function readLinkName(host: Host, path: string): string | undefined {
  const target = host.readLink(path);
  return target?.slice(target.lastIndexOf("/") + 1);
}

/** The function that a link leads to, as with `physfn` and `virtfn0`; `undefined` also for what is no address. */
export function readLinkedAddress(host: Host, path: string): string | undefined {
  const name = readLinkName(host, path);
  return name === undefined || tryParsePciAddress(name) === undefined ? undefined : name;
}
