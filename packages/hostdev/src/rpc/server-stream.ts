// SPDX-License-Identifier: Apache-2.0
import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { packetStatus } from "./packet.ts";

/** libvirt's packets of a stream are never longer. */
export const maxStreamBytes = 262_120;
/** What may wait for somebody who does not read it. */
const maxUnreadBytes = 4 * 1024 * 1024;

/** How a stream reaches its client. */
export interface StreamLine {
  /** @returns `false` when the client does not keep up: wait for `drained`. */
  readonly send: (status: number, bytes: Uint8Array) => boolean;
  readonly sendError: (error: unknown) => void;
  /** The stream is over; packets for it are ignored from now on. */
  readonly over: () => void;
}

/**
 * The server's side of a stream such as a console: carries bytes between a client and `end`, both ways, with the
 * client's speed as the limit.
 *
 * Source: libvirt `daemonStreamEvent`, `daemonStreamHandleWrite` and its kin.
 */
export class ServerStream {
  readonly #end: Duplex;
  readonly #line: StreamLine;
  #isOver = false;

  constructor(end: Duplex, line: StreamLine) {
    this.#end = end;
    this.#line = line;
    end.on("data", (chunk: Buffer) => this.#forward(chunk));
    // The client is told that nothing more comes, and then says itself that it has finished.
    end.once("end", () => this.#isOver || line.send(packetStatus.continue, new Uint8Array()));
    end.on("error", (error) => this.#stop(() => line.sendError(error)));
  }

  /** Takes a packet of the client. */
  receive(status: number, payload: Buffer): void {
    if (status !== packetStatus.continue) {
      // Finished or given up, the answer is the same.
      return this.#stop(() => this.#line.send(packetStatus.ok, new Uint8Array()));
    }
    if (this.#end.writable) this.#end.write(payload);
    if (this.#end.writableLength > maxUnreadBytes) {
      this.#stop(() => this.#line.sendError(new Error("the guest does not read what is sent to it")));
    }
  }

  /** The client keeps up again. */
  drained(): void {
    this.#end.resume();
  }

  /** The client is gone. */
  destroy(): void {
    this.#stop(() => {});
  }

  #forward(chunk: Buffer): void {
    let keepsUp = true;
    for (let at = 0; at < chunk.length; at += maxStreamBytes) {
      keepsUp = this.#line.send(packetStatus.continue, chunk.subarray(at, at + maxStreamBytes));
    }
    if (!keepsUp) this.#end.pause();
  }

  #stop(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    tell();
    this.#line.over();
    this.#end.destroy();
  }
}
