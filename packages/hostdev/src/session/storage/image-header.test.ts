// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { emptyQcow2 } from "../../../test/integration/qemu-tools.ts";
import { readImageHeader } from "./image-header.ts";

/** A file that begins like this, and has these numbers in it. */
function file(magic: string, at = 0, put: (bytes: Buffer) => void = () => {}): Buffer {
  const bytes = Buffer.alloc(33_000);
  bytes.write(magic, at, "latin1");
  put(bytes);
  return bytes;
}

test("images are told by their first bytes", () => {
  const size = 7n * 512n;
  const cases: readonly (readonly [Buffer, string, bigint | undefined])[] = [
    [Buffer.from(emptyQcow2(Number(size))), "qcow2", size],
    [file("KDMV", 0, (bytes) => bytes.writeBigUInt64LE(7n, 12)), "vmdk", size],
    [file("QED\0", 0, (bytes) => bytes.writeBigUInt64LE(size, 48)), "qed", size],
    [file("\u007f\u0010\u00da\u00be", 64, (bytes) => bytes.writeBigUInt64LE(size, 368)), "vdi", size],
    [file("CD001", 32_769), "iso", undefined],
    [file("anything"), "raw", undefined],
    [Buffer.from("QFI\u00fb", "latin1"), "raw", undefined], // cut off
    [Buffer.alloc(0), "raw", undefined],
  ];
  for (const [bytes, format, capacity] of cases) {
    const header = readImageHeader(bytes, "/x");
    assert.deepEqual([header.format, header.capacity], [format, capacity]);
  }
});

test("a qcow2 image names what it lies on top of, absolute or beside it, with its format", () => {
  const image = Buffer.from(emptyQcow2(1024));
  const name = (text: string, format?: string) => {
    image.fill(0, 104, 600);
    if (format !== undefined) {
      image.writeUInt32BE(0xe2792aca, 104);
      image.writeUInt32BE(format.length, 108);
      image.write(format, 112, "latin1");
    }
    image.writeBigUInt64BE(512n, 8);
    image.writeUInt32BE(text.length, 16);
    image.write(text, 512);
    return readImageHeader(image, "/images/top").backing;
  };
  assert.deepEqual(name("/base", "raw"), { path: "/base", format: "raw" });
  assert.deepEqual(name("../base.qcow2", "qcow2"), { path: "/base.qcow2", format: "qcow2" });
  assert.deepEqual(name("base"), { path: "/images/base", format: undefined });
  assert.equal(name("nbd://server/export"), undefined);
});
