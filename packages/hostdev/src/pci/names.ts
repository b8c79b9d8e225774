// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { Host } from "../core/host.ts";
import { builtInClassName } from "./class-names.ts";
import type { PciFunction } from "./pci-function.ts";
import { readAttributeBytes } from "./sysfs.ts";

const places = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"];
const maxBytes = 8 * 1024 * 1024;

/** What people call a function; `null` where only the numbers are known. */
export interface FunctionNames {
  readonly vendor: string | null;
  readonly device: string | null;
  readonly subsystem: string | null;
  /** As exact as known: the programming interface's, the subclass's, or the class's. */
  readonly class: string | null;
}

/**
 * The names in the system's pci.ids, a file of sections nested by tabs:
 *
 *     8086  Intel Corporation
 *     <tab>10d3  82574L Gigabit Network Connection
 *     <tab><tab>103c 1785  NC112i 1-port Ethernet Server Adapter
 *     C 02  Network controller
 *     <tab>00  Ethernet controller
 *
 * Only what is asked for is looked up, in the bytes as they are: a table of all 40,000 lines would cost more than
 * everything else that a listing does.
 */
export class PciNames {
  readonly #vendors: Section;
  readonly #classes: Section;

  /** @param bytes the file's content; empty when there is no file. */
  constructor(bytes: Uint8Array) {
    // Bytes as characters, since decoding all of it would cost more than the names.
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    // All lines alike, with a newline before them. The file begins with comments: no need to copy all of it for one.
    const body = text.startsWith("#") ? text : `\n${text}`;
    this.#vendors = { name: "", body, known: new Map() };
    const classes = body.lastIndexOf("\nC 00  "); // they come last
    this.#classes = { name: "", body: body.slice(Math.max(classes, 0)), known: new Map() };
  }

  vendor(id: number): string | null {
    return sectionAt(this.#vendors, 0, hex(id, 4))?.name ?? null;
  }

  device(vendorId: number, deviceId: number): string | null {
    return this.#device(vendorId, deviceId)?.name ?? null;
  }

  /** The name of the card or board that a function is part of. */
  subsystem(fn: Pick<PciFunction, "vendorId" | "deviceId" | "subsystemVendorId" | "subsystemDeviceId">): string | null {
    const key = `${hex(fn.subsystemVendorId, 4)} ${hex(fn.subsystemDeviceId, 4)}`;
    return sectionAt(this.#device(fn.vendorId, fn.deviceId), 2, key)?.name ?? null;
  }

  /** @param code 24 bits: class, subclass, programming interface. */
  class(code: number): string | null {
    const base = sectionAt(this.#classes, 0, `C ${hex(code >> 16, 2)}`);
    const sub = sectionAt(base, 1, hex((code >> 8) & 0xff, 2));
    const interface_ = sectionAt(sub, 2, hex(code & 0xff, 2));
    if (sub !== undefined) return interface_ === undefined ? sub.name : `${sub.name} (${interface_.name})`;
    return base?.name ?? builtInClassName(code);
  }

  of(fn: PciFunction): FunctionNames {
    return {
      vendor: this.vendor(fn.vendorId),
      device: this.device(fn.vendorId, fn.deviceId),
      subsystem: this.subsystem(fn),
      class: this.class(fn.classCode),
    };
  }

  #device(vendorId: number, deviceId: number): Section | undefined {
    return sectionAt(sectionAt(this.#vendors, 0, hex(vendorId, 4)), 1, hex(deviceId, 4));
  }
}

/**
 * Opens the system's list of names (package `pci.ids` or `hwdata`). Without it there are ids only, and the common
 * classes' names.
 *
 * Touches: reads `/usr/share/misc/pci.ids` or `/usr/share/hwdata/pci.ids`. Needs: nothing. Cost: 3 ms, and at most
 * 2 ms for the first device of each vendor.
 */
export function readPciNames(host: Host): PciNames {
  for (const place of places) {
    const bytes = readAttributeBytes(host, place, maxBytes);
    if (bytes !== undefined) return new PciNames(bytes);
  }
  return new PciNames(new Uint8Array());
}

/** A line's name, and the lines below it that are deeper, with the newline before each. */
interface Section {
  readonly name: string;
  readonly body: string;
  /** What was looked for in it, by key. */
  readonly known: Map<string, Section | undefined>;
}

/** Where a line begins that is no deeper than so many tabs. Comments and empty lines belong to what they are in. */
const ends = [/\n(?!\t)[^\n#]/, /\n(?!\t\t)[^\n#]/, /\n(?!\t\t\t)[^\n#]/] as const;
type Depth = 0 | 1 | 2;

/** The section in `area` whose line is `depth` tabs, the key, and two spaces. */
function sectionAt(area: Section | undefined, depth: Depth, key: string): Section | undefined {
  if (area === undefined) return undefined;
  if (!area.known.has(key)) area.known.set(key, findSection(area.body, depth, key));
  return area.known.get(key);
}

function findSection(area: string, depth: Depth, key: string): Section | undefined {
  const needle = `\n${"\t".repeat(depth)}${key}  `;
  const at = area.indexOf(needle);
  if (at === -1) return undefined;
  const rest = area.slice(at + needle.length);
  const nameEnd = rest.indexOf("\n");
  const name = nameEnd === -1 ? rest : rest.slice(0, nameEnd);
  const below = nameEnd === -1 ? "" : rest.slice(nameEnd);
  const end = below.search(ends[depth]);
  return { name: toName(name), body: end === -1 ? below : below.slice(0, end), known: new Map() };
}

/** Names are shown on terminals and go into tables: whoever wrote the file, no control characters get out. */
function toName(latin1: string): string {
  return Buffer.from(latin1, "latin1")
    .toString("utf8")
    .replace(/\p{Cc}/gu, " ")
    .trim();
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
