// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";

/** Writes XDR: big-endian, everything in units of four bytes (RFC 4506). */
export class XdrWriter {
  #buffer = Buffer.allocUnsafe(512);
  #length = 0;

  /** What has been written so far; the caller's from now on. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  i32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
  }

  u64(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64BE(value, at);
  }

  i64(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  /** Bytes, padded with zeros. */
  fixed(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length + padding(bytes.length));
    this.#buffer.set(bytes, at);
    this.#buffer.fill(0, at + bytes.length, this.#length);
  }

  /** A text of so many bytes as UTF-8, padded with zeros. */
  utf8(text: string, bytes: number): void {
    const at = this.#reserve(bytes + padding(bytes));
    this.#buffer.write(text, at, "utf8");
    this.#buffer.fill(0, at + bytes, this.#length);
  }

  /** Bytes that are no XDR: the contents of streams. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** Replaces a number written before. */
  patchU32(at: number, value: number): void {
    this.#buffer.writeUInt32BE(value, at);
  }

  /** @returns where the new bytes begin. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }
}

/** How many zeros follow so many bytes. */
export function padding(length: number): number {
  return (4 - (length % 4)) % 4;
}
