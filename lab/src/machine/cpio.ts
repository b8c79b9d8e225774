// SPDX-License-Identifier: Apache-2.0

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** One thing of an initrd archive; everything in it belongs to root. */
export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** Type and permissions as in `st_mode`. */
  readonly mode: number;
  /** A file's bytes, or a link's target. */
  readonly content: Uint8Array;
}

const directoryMode = 0o040755;
const linkMode = 0o120777;

/**
 * The entries of a directory tree under `prefix`, sorted, with permissions reduced to 755 and 644.
 *
 * Touches: reads the tree.
 */
export function treeEntries(directory: string, prefix: string): CpioEntry[] {
  const entries: CpioEntry[] = prefix === "" ? [] : [{ path: prefix, mode: directoryMode, content: new Uint8Array() }];
  for (const name of readdirSync(directory).sort()) {
    const source = join(directory, name);
    const path = prefix === "" ? name : `${prefix}/${name}`;
    const facts = lstatSync(source);
    if (facts.isDirectory()) entries.push(...treeEntries(source, path));
    else if (facts.isSymbolicLink()) entries.push({ path, mode: linkMode, content: Buffer.from(readlinkSync(source)) });
    else entries.push({ path, mode: facts.mode & 0o100 ? 0o100755 : 0o100644, content: readFileSync(source) });
  }
  return entries;
}

/** A `newc` archive as the kernel unpacks it: 110 hexadecimal bytes of header, name, content, each padded to 4. Pure. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  const add = (bytes: Uint8Array) => {
    parts.push(Buffer.from(bytes), Buffer.alloc((4 - (bytes.length % 4)) % 4));
  };
  const trailer: CpioEntry = { path: "TRAILER!!!", mode: 0, content: new Uint8Array() };
  [...entries, trailer].forEach(({ path, mode, content }, index) => {
    const name = Buffer.from(`${path}\0`);
    // inode, mode, uid, gid, links, mtime, size, device major and minor (twice), length of the name, checksum
    const fields = [index + 1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    add(Buffer.concat([Buffer.from(header), name]));
    add(content);
  });
  return Buffer.concat(parts);
}
