// SPDX-License-Identifier: Apache-2.0
import type { Buffer } from "node:buffer";
import { encodePacket, type Packet, program } from "./packet.ts";
import { nothing } from "./xdr.ts";

const ping = 1;
const pong = 2;

/** libvirtd's defaults. */
const intervalMs = 5000;
const maxUnanswered = 5;

/**
 * One side of libvirt's keepalive: answers the other side's pings, and when told to sends its own, so that a connection
 * whose other side has gone away without a word is noticed.
 */
export class Keepalive {
  readonly #send: (packet: Buffer) => void;
  readonly #onDead: () => void;
  #timer: NodeJS.Timeout | undefined;
  #unanswered = 0;

  constructor(send: (packet: Buffer) => void, onDead: () => void) {
    this.#send = send;
    this.#onDead = onDead;
  }

  /** Anything that arrives shows that the other side lives. */
  heard(): void {
    this.#unanswered = 0;
  }

  receive({ header }: Packet): void {
    if (header.procedure === ping) this.#send(message(pong));
  }

  /** Sends pings from now on. */
  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#unanswered += 1;
    if (this.#unanswered > maxUnanswered) return this.#onDead();
    this.#send(message(ping));
  }
}

function message(procedure: number): Buffer {
  const head = { program: program.keepalive, version: 1, procedure, type: 2, serial: 0, status: 0 };
  return encodePacket(head, nothing, undefined);
}
