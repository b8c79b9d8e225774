// SPDX-License-Identifier: Apache-2.0
import type { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { packetStatus } from "./packet.ts";
import { maxStreamBytes } from "./server-stream.ts";

/**
 * The client's side of a stream such as a console, as an ordinary `Duplex`: it ends when the other side has ended;
 * ending it finishes the stream, destroying it gives it up.
 */
export class ClientStream extends Duplex {
  readonly #send: (status: number, bytes: Uint8Array) => void;
  #isFinished = false;

  constructor(send: (status: number, bytes: Uint8Array) => void) {
    super({ allowHalfOpen: false });
    this.#send = send;
  }

  /** Takes a packet of the server that is no error. */
  receive(status: number, payload: Buffer): void {
    if (status === packetStatus.continue && payload.length > 0) this.push(payload);
    else this.push(null);
  }

  /** The server has given the stream up, or is gone. */
  fail(error: Error): void {
    this.#isFinished = true;
    this.destroy(error);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    for (let at = 0; at < chunk.length; at += maxStreamBytes) {
      this.#send(packetStatus.continue, chunk.subarray(at, at + maxStreamBytes));
    }
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finish(packetStatus.ok);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#finish(packetStatus.error);
    done(error);
  }

  #finish(status: number): void {
    if (!this.#isFinished) this.#send(status, new Uint8Array());
    this.#isFinished = true;
  }
}
