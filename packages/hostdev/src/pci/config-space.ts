// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { pciDevices, readAttributeBytes } from "./sysfs.ts";

/** Where a capability's structure begins in config space. */
export interface CapabilityLocation {
  readonly id: number;
  readonly offset: number;
}

/** The fixed part, of the first 64 bytes, which everyone may read (PCI Local Bus 3.0, 6.1). */
export interface ConfigHeader {
  /** A VF answers all ones for both ids: they are the PF's and its SR-IOV capability's to tell. */
  readonly vendorId: number;
  readonly deviceId: number;
  /** 24 bits: class, subclass, programming interface. */
  readonly classCode: number;
  readonly revision: number;
  readonly type: "endpoint" | "bridge" | "cardbus-bridge" | "unknown";
  /** Bit 7 of the header type: the device has further functions. */
  readonly isMultiFunction: boolean;
  readonly command: { readonly io: boolean; readonly memory: boolean; readonly busMaster: boolean };
  /** `null` unless this is a bridge. */
  readonly buses: { readonly primary: number; readonly secondary: number; readonly subordinate: number } | null;
}

/** A function's config space: its header, and where its capabilities are. Bytes and positions, nothing interpreted. */
export interface ConfigSpace {
  readonly bytes: Uint8Array;
  /**
   * Whether all of it could be read. Without CAP_SYS_ADMIN the kernel gives 64 bytes, whatever the file's mode and
   * size say; then no capability is known, which is not the same as there being none.
   */
  readonly complete: boolean;
  /** `false` when it answers all ones (it fell off the bus, or is in D3cold), or gave less than a header. */
  readonly responds: boolean;
  /** `null` with less than 64 bytes, or all ones. */
  readonly header: ConfigHeader | null;
  readonly capabilities: readonly CapabilityLocation[];
  /** PCI Express's, from 0x100 on. */
  readonly extendedCapabilities: readonly CapabilityLocation[];
}

/**
 * Reads the config space of a function, as much of it as this caller may. `undefined` when there is no such
 * function, or the kernel gives nothing.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/config`. Needs: root for more than the header.
 */
export function readConfigSpace(host: Host, address: string): ConfigSpace | undefined {
  const path = `${pciDevices}/${address}/config`;
  const bytes = readAttributeBytes(host, path, 4096);
  return bytes === undefined ? undefined : parseConfigSpace(bytes, host.status(path)?.sizeBytes);
}

/**
 * Finds its way through a config space, whatever its bytes: every list is followed at most as far as it can be long,
 * no capability twice, none outside.
 *
 * Pure.
 * @param sizeBytes how long it is really, 256 or 4096; default: as long as `bytes`.
 */
export function parseConfigSpace(bytes: Uint8Array, sizeBytes = bytes.length): ConfigSpace {
  const header = readHeader(bytes);
  return {
    bytes,
    complete: bytes.length >= Math.max(sizeBytes, 256),
    responds: header !== null,
    header,
    capabilities: header === null ? [] : walkCapabilities(bytes),
    extendedCapabilities: header === null ? [] : walkExtendedCapabilities(bytes),
  };
}

/** Little-endian, 1, 2 or 4 bytes; 0 outside. Callers check first that the structure they read is inside. */
export function readField(bytes: Uint8Array, offset: number, width: 1 | 2 | 4): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
  return value;
}

/** Where the first capability with this id is, if `length` bytes of it are inside; else `undefined`. */
export function findCapability(config: ConfigSpace, id: number, length: number): number | undefined {
  return locate(config.capabilities, config, id, length);
}

/** As `findCapability`, for extended capabilities. */
export function findExtendedCapability(config: ConfigSpace, id: number, length: number): number | undefined {
  return locate(config.extendedCapabilities, config, id, length);
}

function locate(
  list: readonly CapabilityLocation[],
  { bytes }: ConfigSpace,
  id: number,
  length: number,
): number | undefined {
  const offset = list.find((capability) => capability.id === id)?.offset;
  return offset !== undefined && offset + length <= bytes.length ? offset : undefined;
}

const headerTypes = ["endpoint", "bridge", "cardbus-bridge"] as const;

function readHeader(bytes: Uint8Array): ConfigHeader | null {
  const headerType = readField(bytes, 0x0e, 1);
  if (bytes.length < 64 || headerType === 0xff) return null;
  const type = headerTypes[headerType & 0x7f] ?? "unknown";
  const command = readField(bytes, 0x04, 2);
  return {
    vendorId: readField(bytes, 0x00, 2),
    deviceId: readField(bytes, 0x02, 2),
    classCode: readField(bytes, 0x08, 4) >>> 8,
    revision: readField(bytes, 0x08, 1),
    type,
    isMultiFunction: (headerType & 0x80) !== 0,
    command: { io: (command & 1) !== 0, memory: (command & 2) !== 0, busMaster: (command & 4) !== 0 },
    buses:
      type !== "bridge" && type !== "cardbus-bridge"
        ? null
        : {
            primary: readField(bytes, 0x18, 1),
            secondary: readField(bytes, 0x19, 1),
            subordinate: readField(bytes, 0x1a, 1),
          },
  };
}

/** PCI Local Bus 3.0, 6.7: a list of (id, next) from the pointer at 0x34 on; status bit 4 says that there is one. */
function walkCapabilities(bytes: Uint8Array): readonly CapabilityLocation[] {
  const found: CapabilityLocation[] = [];
  const seen = new Set<number>();
  const isCardbus = (readField(bytes, 0x0e, 1) & 0x7f) === 2;
  let offset = (readField(bytes, 0x06, 2) & 0x10) === 0 ? 0 : readField(bytes, isCardbus ? 0x14 : 0x34, 1) & 0xfc;
  while (offset >= 0x40 && offset + 2 <= bytes.length && !seen.has(offset)) {
    seen.add(offset);
    const id = readField(bytes, offset, 1);
    if (id === 0xff) break; // a device that stopped answering
    found.push({ id, offset });
    offset = readField(bytes, offset + 1, 1) & 0xfc;
  }
  return found;
}

/** PCI Express Base 5.0, 7.6.3: id in bits 0 to 15, version 16 to 19, next 20 to 31; the first is at 0x100. */
function walkExtendedCapabilities(bytes: Uint8Array): readonly CapabilityLocation[] {
  const found: CapabilityLocation[] = [];
  const seen = new Set<number>();
  let offset = 0x100;
  while (offset >= 0x100 && offset + 4 <= bytes.length && !seen.has(offset)) {
    seen.add(offset);
    const value = readField(bytes, offset, 4);
    if (value === 0 || value === 0xffffffff) break; // none; a device that stopped answering
    found.push({ id: value & 0xffff, offset });
    offset = (value >>> 20) & 0xffc;
  }
  return found;
}
