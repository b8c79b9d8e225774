// SPDX-License-Identifier: Apache-2.0
import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { HostdevError, toHostdevError } from "../core/errors.ts";
import { ClientStream } from "./client-stream.ts";
import { errorPayload, fromErrorPayload } from "./error-payload.ts";
import { type EventName, type EventPayload, eventByNumber } from "./events.ts";
import { Keepalive } from "./keepalive.ts";
import {
  decodePayload,
  encodePacket,
  encodeRawPacket,
  type Packet,
  PacketDecoder,
  packetStatus,
  packetType,
  program,
} from "./packet.ts";
import { type ArgumentsOf, type ProcedureName, procedures, type ResultOf } from "./procedures.ts";
import { protocolError } from "./protocol-error.ts";
import type { StreamingProcedure } from "./service.ts";
import type { Codec } from "./xdr.ts";

interface Pending {
  readonly name: ProcedureName;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: HostdevError) => void;
}

/** An event as it arrives, with the registration that it is for. */
export type ReceivedEvent = {
  readonly [N in EventName]: { readonly name: N; readonly callbackId: number; readonly payload: EventPayload<N> };
}[EventName];

/** Features that the sides tell each other of (`VIR_DRV_FEATURE_*`). */
export const feature = { typedStrings: 9, keepalive: 10, closeCallback: 14, remoteEvents: 15 } as const;

/** A connection to a daemon that speaks libvirt's protocol: ours, or libvirt's own. */
export class RpcClient {
  readonly #stream: Duplex;
  readonly #decoder = new PacketDecoder();
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Map<number, { readonly procedure: number; readonly end: ClientStream }>();
  readonly #listeners = new Set<(event: ReceivedEvent) => void>();
  readonly #keepalive: Keepalive;
  #nextSerial = 0;
  #closedBy: HostdevError | undefined;
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#keepalive = new Keepalive(
      (packet) => stream.write(packet),
      () => this.close(),
    );
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("error", () => {}); // "close" follows
    stream.once("end", () => stream.destroy());
    this.closed = new Promise((resolve) => {
      stream.once("close", () => {
        this.#failAll();
        resolve();
      });
    });
  }

  /**
   * Takes over a stream on which a daemon listens, and opens a connection, as libvirt's own clients do.
   *
   * @param uri such as `qemu:///session`.
   * @throws {HostdevError} what the daemon refuses with; the stream is closed then.
   */
  static async open(stream: Duplex, uri: string, { readOnly = false } = {}): Promise<RpcClient> {
    const client = new RpcClient(stream);
    try {
      const { types } = await client.call("authList", undefined);
      if (!types.includes(0)) throw protocolError("a daemon that wants a password on a local socket");
      const { supported } = await client.call("connectSupportsFeature", { feature: feature.keepalive });
      if (supported) client.#keepalive.start();
      await client.call("connectOpen", { name: uri, flags: readOnly ? 1 : 0 });
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /**
   * Does one call and waits for its answer, however long it takes: the keepalive notices a dead daemon.
   *
   * @throws {HostdevError} `HD_LIBVIRT_ERROR` with the daemon's words; `HD_RPC_CLOSED`; `HD_RPC_PROTOCOL`.
   */
  call<N extends ProcedureName>(name: N, args: ArgumentsOf<N>): Promise<ResultOf<N>> {
    return this.#send(name, args).reply as Promise<ResultOf<N>>;
  }

  /** Does a call that is followed by a stream. @throws {HostdevError} as `call`. */
  async openStream<N extends StreamingProcedure>(name: N, args: ArgumentsOf<N>): Promise<Duplex> {
    const { serial, reply } = this.#send(name, args);
    const { program, number } = procedures[name];
    const head = { program, version: 1, procedure: number, type: packetType.stream, serial };
    const end = new ClientStream((status, bytes) => {
      if (!this.#stream.destroyed) this.#stream.write(encodeRawPacket({ ...head, status }, bytes));
    });
    end.once("close", () => this.#streams.delete(serial));
    this.#streams.set(serial, { procedure: number, end }); // its first packets may come with the reply
    try {
      await reply;
      return end;
    } catch (error) {
      this.#streams.delete(serial);
      throw error;
    }
  }

  /** Calls `listener` for every event from now on. @returns the end of it. */
  onEvent(listener: (event: ReceivedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stream.destroy();
  }

  #send(name: ProcedureName, args: unknown): { readonly serial: number; readonly reply: Promise<unknown> } {
    const serial = this.#nextSerial++;
    const reply = new Promise<unknown>((resolve, reject) => {
      if (this.#stream.destroyed) return reject(this.#closedBy ?? closedError(name));
      const { program, number, args: codec } = procedures[name];
      const head = { program, version: 1, procedure: number, type: packetType.call, serial, status: 0 };
      const packet = encodePacket(head, codec as Codec<unknown>, args);
      this.#pending.set(serial, { name, resolve, reject });
      this.#stream.write(packet);
    });
    return { serial, reply };
  }

  #receive(chunk: Buffer): void {
    try {
      this.#keepalive.heard();
      this.#decoder.push(chunk);
      for (let packet = this.#decoder.next(); packet !== undefined; packet = this.#decoder.next()) {
        this.#dispatch(packet);
      }
    } catch (error) {
      this.#closedBy = toHostdevError(error);
      this.close();
    }
  }

  #dispatch(packet: Packet): void {
    const { header, payload } = packet;
    if (header.program === program.keepalive) return this.#keepalive.receive(packet);
    if (header.type === packetType.event) return this.#announce(header.procedure, payload);
    if (header.type === packetType.stream) return this.#feed(packet);
    const pending = this.#pending.get(header.serial);
    if (header.type !== packetType.reply || pending === undefined) {
      throw protocolError(`a packet of type ${header.type} with the serial ${header.serial} that nobody waits for`);
    }
    this.#pending.delete(header.serial);
    if (header.status === packetStatus.error) {
      return pending.reject(fromErrorPayload(decodePayload(errorPayload, payload)));
    }
    pending.resolve(decodePayload(procedures[pending.name].result as Codec<unknown>, payload));
  }

  #announce(number: number, payload: Buffer): void {
    const found = eventByNumber(number);
    if (found === undefined) return; // libvirt has more than we know
    const { callbackId, ...rest } = decodePayload(found.message.codec, payload) as { readonly callbackId: number };
    for (const listener of this.#listeners) {
      listener({ name: found.name, callbackId, payload: rest } as unknown as ReceivedEvent);
    }
  }

  #feed({ header, payload }: Packet): void {
    const end = this.#streams.get(header.serial)?.end;
    if (header.status === packetStatus.error) end?.fail(fromErrorPayload(decodePayload(errorPayload, payload)));
    else end?.receive(header.status, payload);
  }

  #failAll(): void {
    this.#keepalive.stop();
    for (const { name, reject } of this.#pending.values()) reject(this.#closedBy ?? closedError(name));
    this.#pending.clear();
    for (const { end } of this.#streams.values()) end.fail(this.#closedBy ?? closedError("a stream"));
  }
}

function closedError(call: string): HostdevError<"HD_RPC_CLOSED"> {
  return new HostdevError("HD_RPC_CLOSED", `The daemon closed the connection during ${call}`, { call });
}
