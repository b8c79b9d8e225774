// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import { parsePciAddress } from "../../pci/address.ts";
import { findFunction } from "../../pci/enumerate.ts";
import { readUserFile } from "../read-user-file.ts";

/**
 * The XML of a device that a user names: a file with it (`disk.xml`, `./disk`, `-`), or a PCI device of this machine.
 *
 * @throws {HostdevError} `HD_FILE`; `HD_INVALID_ADDRESS`, `HD_DEVICE_NOT_FOUND`.
 */
export function deviceXml(host: Host, text: string): string {
  if (text === "-" || text.includes("/") || text.endsWith(".xml")) return readUserFile(host, text);
  const { domain, bus, device, function: fn } = parsePciAddress(findFunction(host, text).address);
  const place = `domain='0x${hex(domain, 4)}' bus='0x${hex(bus, 2)}' slot='0x${hex(device, 2)}' function='0x${fn}'`;
  return `<hostdev mode='subsystem' type='pci' managed='no'><source><address ${place}/></source></hostdev>`;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, "0");
}
