// SPDX-License-Identifier: Apache-2.0
import type { Buffer } from "node:buffer";
import { posix } from "node:path";

/** What the first bytes of a disk image tell. */
export interface ImageHeader {
  /** As QEMU calls it; what is none of the others is `raw`. */
  readonly format: "raw" | "qcow2" | "vmdk" | "vdi" | "qed" | "iso";
  /** What the guest sees, in bytes; `undefined`: as much as the file has. */
  readonly capacity?: bigint;
  /** What the image lies on top of. */
  readonly backing?: ImageBacking;
}

export interface ImageBacking {
  /** Absolute. */
  readonly path: string;
  /** `undefined` when the image leaves it to be guessed. */
  readonly format: string | undefined;
}

/** So many bytes are enough. */
export const imageHeaderBytes = 33_000;

/** An image that is told by its first bytes: where these are, and where its size is. */
interface Kind {
  readonly format: ImageHeader["format"];
  readonly magic: string;
  readonly at: number;
  readonly capacity?: (head: Buffer) => bigint;
}

/** Sources: QEMU's block drivers, `docs/interop/qcow2.txt`, `docs/interop/qed_spec.rst`; ISO 9660 6.7.1. */
const kinds: readonly Kind[] = [
  { format: "qcow2", magic: "QFI\u00fb", at: 0, capacity: (head) => head.readBigUInt64BE(24) },
  { format: "vmdk", magic: "KDMV", at: 0, capacity: (head) => 512n * head.readBigUInt64LE(12) },
  { format: "qed", magic: "QED\0", at: 0, capacity: (head) => head.readBigUInt64LE(48) },
  { format: "vdi", magic: "\u007f\u0010\u00da\u00be", at: 64, capacity: (head) => head.readBigUInt64LE(368) },
  { format: "iso", magic: "CD001", at: 32_769 },
];

/** Tells what image a file is, of its first bytes. Pure. @param path where it is, for relative names in it. */
export function readImageHeader(head: Buffer, path: string): ImageHeader {
  if (head.length < 512) return { format: "raw" };
  const kind = kinds.find(({ magic, at }) => head.toString("latin1", at, at + magic.length) === magic);
  if (kind === undefined) return { format: "raw" };
  const capacity = kind.capacity?.(head);
  const backing = kind.format === "qcow2" ? qcow2Backing(head, path) : undefined;
  return {
    format: kind.format,
    ...(capacity === undefined ? {} : { capacity }),
    ...(backing === undefined ? {} : { backing }),
  };
}

/** The header extension with the backing file's format. */
const backingFormatExtension = 0xe279_2aca;

/** What a qcow2 image lies on top of: offset and length of the name. `undefined` also for what is no file. */
export function qcow2Backing(head: Buffer, image: string): ImageBacking | undefined {
  if (head.length < 20) return undefined;
  const offset = Number(head.readBigUInt64BE(8));
  const length = head.readUInt32BE(16);
  if (offset === 0 || length === 0 || offset + length > head.length) return undefined;
  const name = head.toString("utf8", offset, offset + length);
  if (/^[a-z][a-z0-9+.-]*:/i.test(name)) return undefined; // another protocol, or a description in JSON
  const path = name.startsWith("/") ? name : posix.join(posix.dirname(image), name);
  return { path, format: backingFormat(head) };
}

function backingFormat(head: Buffer): string | undefined {
  if (head.length < 104) return undefined;
  let at = head.readUInt32BE(4) >= 3 ? head.readUInt32BE(100) : 72;
  while (at + 8 <= head.length) {
    const type = head.readUInt32BE(at);
    const length = head.readUInt32BE(at + 4);
    if (type === 0 || at + 8 + length > head.length) return undefined;
    if (type === backingFormatExtension) return head.toString("latin1", at + 8, at + 8 + length);
    at += 8 + 8 * Math.ceil(length / 8);
  }
  return undefined;
}
