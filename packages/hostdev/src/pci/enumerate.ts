// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { compareAddresses, formatPciAddress, tryParsePciAddress } from "./address.ts";
import { type PciFunction, readPciFunction } from "./pci-function.ts";
import { pciDevices } from "./sysfs.ts";

/**
 * Reads all PCI functions of the machine, in address order. A function that vanishes meanwhile is left out, and so is
 * one whose class cannot be read: `findUnreadable` tells those.
 *
 * Touches: reads `/sys/bus/pci/devices`. Needs: nothing. Cost: five to ten small reads a function.
 */
export function enumerateFunctions(host: Host): readonly PciFunction[] {
  return listAddresses(host)
    .map((address) => readPciFunction(host, address))
    .filter((found) => found !== undefined);
}

/**
 * The functions that sysfs has, but that `enumerateFunctions` could make nothing of: their addresses.
 *
 * Touches: reads `/sys/bus/pci/devices`. Needs: nothing.
 */
export function findUnreadable(host: Host, functions: readonly PciFunction[]): readonly string[] {
  const known = new Set(functions.map(({ address }) => address));
  return listAddresses(host).filter(
    (address) => !known.has(address) && readPciFunction(host, address) === undefined && isThere(host, address),
  );
}

const isThere = (host: Host, address: string) => host.list(pciDevices)?.includes(address) === true;

function listAddresses(host: Host): readonly string[] {
  const names = host.list(pciDevices) ?? [];
  return names.filter((name) => tryParsePciAddress(name) !== undefined).sort(compareAddresses);
}

/**
 * The address that a user names, as `findFunction` takes it. An address need not be that of a device that is there: it
 * may be on record, and have been pulled out.
 *
 * @throws {HostdevError} as `findFunction`, for a name.
 */
export function findAddress(host: Host, device: string): string {
  const named = tryParsePciAddress(device);
  return named === undefined ? findFunction(host, device).address : formatPciAddress(named);
}

/**
 * Finds the function that a user names: `0000:01:00.0`, `01:00.0`, `pci_0000_01_00_0`, or a name that the host gave
 * to something behind it (`enp1s0`, `nvme0n1`).
 *
 * Touches: reads `/sys/bus/pci/devices`. Needs: nothing.
 * @throws {HostdevError} `HD_DEVICE_NOT_FOUND`; `HD_INVALID_ADDRESS` for what looks like an address and is none;
 * `HD_DEVICE_AMBIGUOUS` when several functions bear the name.
 */
export function findFunction(host: Host, device: string): PciFunction {
  const address = tryParsePciAddress(device);
  if (address !== undefined) {
    const found = readPciFunction(host, formatPciAddress(address));
    if (found !== undefined) return found;
  } else {
    if (/[:.]|^pci_/.test(device) || device === "") {
      throw new HostdevError("HD_INVALID_ADDRESS", `Cannot read ${JSON.stringify(device)} as a PCI address`, {
        text: device,
      });
    }
    const named = enumerateFunctions(host).filter((candidate) => candidate.hostNames.includes(device));
    if (named[0] !== undefined && named.length === 1) return named[0];
    if (named.length > 1) {
      const addresses = named.map((candidate) => candidate.address);
      throw new HostdevError("HD_DEVICE_AMBIGUOUS", `Several functions are called "${device}"`, { device, addresses });
    }
  }
  throw new HostdevError("HD_DEVICE_NOT_FOUND", `There is no device "${device}" on this machine`, { device });
}
