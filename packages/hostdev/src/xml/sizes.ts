// SPDX-License-Identifier: Apache-2.0
import { invalid } from "./complaint.ts";
import { Cursor } from "./cursor.ts";
import { type Field, object, required, type Schema } from "./schema.ts";

const unitBytes: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  k: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  t: 1024 ** 4,
  tib: 1024 ** 4,
  p: 1024 ** 5,
  pib: 1024 ** 5,
  e: 1024 ** 6,
  eib: 1024 ** 6,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
  pb: 1000 ** 5,
  eb: 1000 ** 6,
};

/** The largest size accepted, in KiB; libvirt's "unlimited". */
export const unlimitedKiB = Number.MAX_SAFE_INTEGER;

/**
 * The text of an element as a size in KiB, rounded up, with its unit in the attribute `unit` (default KiB).
 * Always written in KiB.
 */
export function sizeContent(defaultUnit = "KiB"): Field<number, true> {
  return {
    what: "the size",
    optional: true,
    read: (cursor) => {
      const text = cursor.text().trim();
      const unit = cursor.attribute("unit")?.value ?? defaultUnit;
      return text === "" ? undefined : toKiB(cursor, text, unit);
    },
    write: (value, output) => {
      output.attributes.push(["unit", "KiB"]);
      output.text = String(value);
    },
  };
}

/** An attribute as a size in KiB, rounded up, with its unit in the attribute `unit` (default KiB). */
export function sizeAttribute(name: string): Field<number, true> {
  return {
    what: `attribute '${name}'`,
    optional: true,
    read: (cursor) => {
      const text = cursor.attribute(name)?.value;
      const unit = cursor.attribute("unit")?.value ?? "KiB";
      return text === undefined ? undefined : toKiB(cursor, text, unit);
    },
    write: (value, output) => output.attributes.push([name, String(value)], ["unit", "KiB"]),
  };
}

/** An element that is nothing but a size: `<size unit='KiB'>1024</size>`, in KiB. */
export function size(defaultUnit = "KiB"): Schema<number> {
  const schema = object({ kib: required(sizeContent(defaultUnit)) });
  return {
    read: (element, parentPath) => schema.read(element, parentPath).kib,
    write: (value, name) => schema.write({ kib: value }, name),
  };
}

/** What fits into 63 bits, as in libvirt's own numbers. */
const maxBytes = 2n ** 63n - 1n;

/** An element that is nothing but a size, in bytes; default and written unit are `bytes`. */
export const byteSize: Schema<bigint> = {
  read: (element, parentPath) => {
    const cursor = new Cursor(element, parentPath);
    const bytes = toBytes(cursor, cursor.text().trim(), cursor.attribute("unit")?.value ?? "bytes");
    cursor.finish();
    if (bytes > maxBytes) throw invalid(cursor.origin, "the size is too large");
    return bytes;
  },
  write: (value, name) => ({ name, attributes: [["unit", "bytes"]], children: [], text: String(value) }),
};

function toKiB(cursor: Cursor, text: string, unit: string): number {
  const kib = Number((toBytes(cursor, text, unit) + 1023n) / 1024n);
  if (kib > unlimitedKiB) throw invalid(cursor.origin, `size ${text} ${unit} is too large`);
  return kib;
}

function toBytes(cursor: Cursor, text: string, unit: string): bigint {
  const factor = unitBytes[unit.toLowerCase()];
  if (factor === undefined) {
    throw invalid(
      cursor.origin,
      `unit ${JSON.stringify(unit)} is not one of bytes, KiB, MiB, GiB, TiB, KB, MB, GB, TB`,
    );
  }
  if (!/^\d+$/.test(text)) throw invalid(cursor.origin, `size ${JSON.stringify(text)} is not a whole number`);
  return BigInt(text) * BigInt(factor);
}
