// SPDX-License-Identifier: Apache-2.0
import { emptyQcow2 } from "../qemu-tools.ts";

/**
 * A disk whose boot sector does what an operating system may: it sets the clock's hours, starts the watchdog ib700 for
 * two seconds, and halts. The machine's firmware boots nothing smaller than a few MiB.
 */
export function watchdogImage(): Buffer {
  const image = Buffer.alloc(8 << 20);
  const program = [
    0xfa, // cli
    ...[0xb0, 0x04, 0xe6, 0x70], // mov al, 4 (hours); out 0x70, al
    ...[0xb0, 0x05, 0xe6, 0x71], // mov al, 5; out 0x71, al
    ...[0xba, 0x43, 0x04, 0xb0, 0x0e, 0xee], // mov dx, 0x443 (enable); mov al, 14 (2 s); out dx, al
    ...[0xf4, 0xeb, 0xfd], // hlt; and again
  ];
  Buffer.from(program).copy(image);
  image.writeUInt16LE(0xaa55, 510);
  return image;
}

/** A qcow2 image whose first clusters are compressed, with what cannot be decompressed: each read fails. */
export function unreadableQcow2(): Buffer {
  const empty = emptyQcow2(64 << 20);
  const table = empty.length;
  const data = table + 65_536;
  const image = Buffer.concat([empty, Buffer.alloc(65_536), Buffer.alloc(512, 0xff)]);
  const firstTable = Number(image.readBigUInt64BE(40));
  image.writeBigUInt64BE((1n << 63n) | BigInt(table), firstTable);
  for (let cluster = 0; cluster < 8; cluster++) {
    image.writeBigUInt64BE((1n << 62n) | BigInt(data), table + 8 * cluster);
  }
  return image;
}
