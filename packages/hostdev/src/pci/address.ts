// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";

/** Where a PCI function sits. `domain` is 0..=0xffffffff, `bus` 0..=255, `device` 0..=31, `function` 0..=7. */
export interface PciAddress {
  readonly domain: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
}

// Kernel spelling with or without domain (domains above 0xffff exist: VMD), and libvirt's node-device name.
const spellings = [
  /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/i,
  /^pci_([0-9a-f]{4,8})_([0-9a-f]{2})_([0-9a-f]{2})_([0-7])$/i,
];

/** Reads `0000:01:00.0`, `01:00.0` or `pci_0000_01_00_0`; `undefined` for anything else. */
export function tryParsePciAddress(text: string): PciAddress | undefined {
  const match = spellings.map((spelling) => spelling.exec(text)).find((found) => found !== null);
  if (match === undefined || match === null) return undefined;
  const [domain = 0, bus = 0, device = 0, fn = 0] = match.slice(1).map((part) => Number.parseInt(part ?? "0", 16));
  return device > 31 ? undefined : { domain, bus, device, function: fn };
}

/**
 * Reads an address as `tryParsePciAddress` does.
 *
 * @throws {HostdevError} `HD_INVALID_ADDRESS`.
 */
export function parsePciAddress(text: string): PciAddress {
  const address = tryParsePciAddress(text);
  if (address === undefined) {
    throw new HostdevError("HD_INVALID_ADDRESS", `Cannot read ${JSON.stringify(text)} as a PCI address`, { text });
  }
  return address;
}

const hex = (value: number, width: number) => value.toString(16).padStart(width, "0");

/** The kernel's spelling, `0000:01:00.0`. */
export function formatPciAddress({ domain, bus, device, function: fn }: PciAddress): string {
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${fn}`;
}

/**
 * Orders addresses in the kernel's spelling as their numbers are: a domain above 0xffff (VMD) has more digits than the
 * others, and comes after them. Pure.
 */
export function compareAddresses(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}
