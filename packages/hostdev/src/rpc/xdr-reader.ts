// SPDX-License-Identifier: Apache-2.0
import type { Buffer } from "node:buffer";
import { protocolError } from "./protocol-error.ts";
import { padding } from "./xdr-writer.ts";

/**
 * Reads XDR. Never looks behind the end of its bytes, and takes no memory for lengths that they don't hold.
 *
 * All methods throw `HD_RPC_PROTOCOL` when the bytes end too early.
 */
export class XdrReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#buffer.length - this.#at;
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  i32(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#take(8));
  }

  i64(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8));
  }

  double(): number {
    return this.#buffer.readDoubleBE(this.#take(8));
  }

  /** So many bytes, and the zeros behind them; not a copy. */
  fixed(length: number): Buffer {
    const at = this.#take(length + padding(length));
    return this.#buffer.subarray(at, at + length);
  }

  /** A length, which must not be above `max`. */
  length(max: number): number {
    const length = this.u32();
    if (length > max) throw protocolError(`a length of ${length}, at most ${max} is allowed`);
    return length;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#buffer.length - at) {
      throw protocolError(`a message that ends ${count - (this.#buffer.length - at)} bytes too early`);
    }
    this.#at = at + count;
    return at;
  }
}
