// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { readField } from "./config-space.ts";
import { pciDevices, readAttributeBytes } from "./sysfs.ts";

/**
 * What the maker stored about a board. Keywords are two characters: PN part number, EC change level, SN serial number,
 * MN manufacture id, V0 to VZ the vendor's; among the writable ones YA asset tag, Y0 to YZ the system's.
 */
export interface VitalProductData {
  readonly name: string;
  readonly readOnly: Readonly<Record<string, string>>;
  readonly readWrite: Readonly<Record<string, string>>;
}

/**
 * Reads a function's vital product data; `null` when it has none, or not for this caller, or they make no sense.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/vpd`, which asks the device itself: milliseconds, on a few devices a
 * second. Needs: root.
 */
export function readVitalProductData(host: Host, address: string): VitalProductData | null {
  // EACCES: not root. EIO: the device's data have no valid beginning, or it does not answer.
  const bytes = readAttributeBytes(host, `${pciDevices}/${address}/vpd`, 32 * 1024);
  return bytes === undefined ? null : parseVitalProductData(bytes);
}

const tags = { name: 0x82, readOnly: 0x90, readWrite: 0x91 } as const;

/**
 * Parses vital product data (PCI Local Bus 2.2, appendix I): large resources of a tag, a length of 2 bytes and data, up
 * to the end tag. A resource that is longer than the data are ends the parsing; what came before it counts.
 *
 * Pure. `null` when there is no name, with which they have to begin.
 */
export function parseVitalProductData(bytes: Uint8Array): VitalProductData | null {
  let name: string | undefined;
  const readOnly: Record<string, string> = {};
  const readWrite: Record<string, string> = {};
  for (let at = 0; at + 3 <= bytes.length; ) {
    const tag = readField(bytes, at, 1);
    const body = bytes.subarray(at + 3, at + 3 + readField(bytes, at + 1, 2));
    if (body.length !== readField(bytes, at + 1, 2)) break;
    if (tag === tags.name) name ??= toText(body);
    else if (tag === tags.readOnly) Object.assign(readOnly, parseFields(body));
    else if (tag === tags.readWrite) Object.assign(readWrite, parseFields(body));
    else break; // the end tag, 0x78, or nothing that belongs here
    at += 3 + body.length;
  }
  return name === undefined ? null : { name, readOnly, readWrite };
}

/** Fields are a keyword of two characters, a length of 1 byte, and data. RV is a checksum, RW is free space. */
function parseFields(body: Uint8Array): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at + 3 <= body.length; ) {
    const keyword = String.fromCharCode(readField(body, at, 1), readField(body, at + 1, 1));
    const length = readField(body, at + 2, 1);
    if (!/^[A-Z][A-Z0-9]$/.test(keyword) || at + 3 + length > body.length) break;
    if (keyword !== "RV" && keyword !== "RW") fields[keyword] = toText(body.subarray(at + 3, at + 3 + length));
    at += 3 + length;
  }
  return fields;
}

/** ASCII by the specification; whatever else a device says is not let through to terminals and XML. */
function toText(bytes: Uint8Array): string {
  const text = [...bytes].map((byte) =>
    byte === 0 ? "" : byte < 0x20 || byte > 0x7e ? "?" : String.fromCharCode(byte),
  );
  return text.join("").trim();
}
