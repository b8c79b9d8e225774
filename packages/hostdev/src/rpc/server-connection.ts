// SPDX-License-Identifier: Apache-2.0
import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { isHostdevError } from "../core/errors.ts";
import type { Host, SocketAddress } from "../core/host.ts";
import { KiB, MiB } from "../core/units.ts";
import { type ErrorPayload, errorCode, errorDomain, errorPayload, libvirtError } from "./error-payload.ts";
import { type EventName, type EventPayload, events } from "./events.ts";
import { Keepalive } from "./keepalive.ts";
import {
  decodePayload,
  encodeFileReply,
  encodePacket,
  encodeRawPacket,
  type Packet,
  PacketDecoder,
  type PacketHeader,
  packetStatus,
  packetType,
  program,
} from "./packet.ts";
import type { Procedure } from "./procedure.ts";
import { type ProcedureName, procedureByNumber } from "./procedures.ts";
import { ServerStream } from "./server-stream.ts";
import type { RpcService, Streamed } from "./service.ts";
import { inTurn } from "./turns.ts";
import type { Codec } from "./xdr.ts";

/** Nothing more is read from a client while so many of its calls are under way, or so much waits for it to read. */
const maxCalls = 16;
const maxUnreadBytes = 256 * KiB;
/** A client that lets so much of its events and replies lie is given up. */
const maxLyingBytes = 16 * MiB;

/** libvirt's limit (`VIR_NET_MESSAGE_NUM_FDS_MAX`). */
const maxFiles = 32;
/** So many packets may wait for an open file; streams stop before. */
const maxHeld = 16;

/** A client of the server. Whatever it sends, or does not read, harms only itself. */
export class ServerConnection {
  /** What the client may do, as its opening said. */
  access: "none" | "read-only" | "full" = "none";
  /** Resolves when the client is gone, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #decoder = new PacketDecoder();
  readonly #streams = new Map<number, ServerStream>();
  readonly #keepalive: Keepalive;
  readonly #perform: (name: ProcedureName, args: unknown) => unknown;
  readonly #can: (name: ProcedureName) => boolean;
  readonly #toPayload: (error: unknown) => ErrorPayload;
  readonly #pass: Host["passConnection"] | undefined;
  /** What is to be sent when an open file has been: that one does not go through our stream. */
  #held: Buffer[] | undefined;
  #passing: Promise<void> = Promise.resolve();
  #calls = 0;
  #isWaiting = false;

  private constructor(stream: Duplex, service: RpcService<unknown>) {
    this.#stream = stream;
    this.#toPayload = service.toPayload;
    this.#pass = service.passConnection;
    this.#keepalive = new Keepalive(
      (packet) => this.#write(packet),
      () => this.close(),
    );
    stream.on("drain", () => this.#drained());
    stream.on("error", () => {}); // "close" follows
    stream.once("end", () => stream.end());
    this.closed = new Promise((resolve) => {
      stream.once("close", () => {
        this.#keepalive.stop();
        for (const open of [...this.#streams.values()]) open.destroy();
        resolve();
      });
    });
    const context = service.accept(this);
    const handlers = service.handlers as Readonly<Record<string, (context: unknown, args: unknown) => unknown>>;
    this.#can = (name) => handlers[name] !== undefined;
    this.#perform = (name, args) => handlers[name]?.(context, args);
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  /** Takes over a stream on which a client talks; it is closed with the connection. */
  static serve<C>(stream: Duplex, service: RpcService<C>): ServerConnection {
    return new ServerConnection(stream, service as unknown as RpcService<unknown>);
  }

  /** Sends an event to a registration of this client. */
  sendEvent<N extends EventName>(name: N, callbackId: number, payload: EventPayload<N>): void {
    const { number, codec } = events[name];
    const head = {
      program: program.remote,
      version: 1,
      procedure: number,
      type: packetType.event,
      serial: 0,
      status: 0,
    };
    this.#write(encodePacket(head, codec as Codec<unknown>, { callbackId, ...payload }));
  }

  /** Sends pings from now on, and ends the connection when nothing comes back. */
  startKeepalive(): void {
    this.#keepalive.start();
  }

  close(): void {
    this.#stream.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#keepalive.heard();
    this.#decoder.push(chunk);
    this.#goOn();
  }

  /** Sees to what has arrived, when it is this client's turn and as far as it keeps within its limits. */
  #goOn(): void {
    const isBusy = this.#calls >= maxCalls || this.#stream.writableLength > maxUnreadBytes;
    if (this.#isWaiting || isBusy) return void this.#stream.pause();
    if (this.#decoder.isEmpty) {
      if (this.#stream.isPaused()) this.#stream.resume();
      return;
    }
    this.#isWaiting = true;
    inTurn(() => {
      this.#isWaiting = false;
      this.#takePackets();
    });
  }

  /** Takes packets until one is a call. */
  #takePackets(): void {
    try {
      for (;;) {
        const packet = this.#decoder.next();
        if (packet === undefined) {
          if (this.#stream.isPaused()) this.#stream.resume();
          return;
        }
        if (this.#dispatch(packet) === "call") return this.#goOn();
      }
    } catch (error) {
      if (!isHostdevError(error, "HD_RPC_PROTOCOL")) throw error;
      this.close(); // where the next packet would begin is unknown
    }
  }

  #drained(): void {
    for (const open of this.#streams.values()) open.drained();
    this.#goOn();
  }

  #dispatch(packet: Packet): "call" | "other" {
    const { header, payload } = packet;
    if (header.program === program.keepalive) this.#keepalive.receive(packet);
    else if (header.type === packetType.stream) this.#streams.get(header.serial)?.receive(header.status, payload);
    else if (header.type === packetType.callWithFds) this.#refuseFiles(packet);
    else if (header.type !== packetType.call)
      this.close(); // a reply, or an event
    else {
      this.#calls += 1;
      void this.#answer(packet).finally(() => {
        this.#calls -= 1;
        this.#goOn();
      });
      return "call";
    }
    return "other";
  }

  async #answer({ header, payload }: Packet): Promise<void> {
    try {
      const { name, call } = this.#find(header);
      const args = decodePayload(call.args, payload);
      const result = await this.#perform(name, args);
      if (call.passes) return await this.#passConnection(header, result as SocketAddress);
      if (!call.streams) return this.#reply(header, call.result, result);
      const { reply, stream } = result as Streamed<unknown>;
      this.#reply(header, call.result, reply);
      this.#openStream(header, stream);
    } catch (error) {
      this.#write(encodePacket(replyHead(header, packetStatus.error), errorPayload, this.#toPayload(error)));
    }
  }

  #reply(header: PacketHeader, codec: Codec<unknown>, result: unknown): void {
    this.#write(encodePacket(replyHead(header, packetStatus.ok), codec, result));
  }

  /** @throws {HostdevError} `HD_LIBVIRT_ERROR`. */
  #find({ program: number, version, procedure }: PacketHeader): { name: ProcedureName; call: Procedure } {
    if ((number !== program.remote && number !== program.qemu) || version !== 1) {
      throw libvirtError(errorCode.rpc, errorDomain.rpc, "", `Cannot find program ${number} version ${version}`);
    }
    const found = procedureByNumber(number, procedure);
    if (found === undefined || !this.#can(found.name)) {
      const prefix = "this function is not supported by the connection driver: ";
      throw libvirtError(errorCode.noSupport, errorDomain.rpc, prefix, found?.name ?? `procedure ${procedure}`);
    }
    if (this.access === "none" && !found.call.beforeOpen) {
      throw libvirtError(errorCode.internal, errorDomain.rpc, "internal error: ", "connection not open");
    }
    if (this.access === "read-only" && found.call.writes) {
      throw libvirtError(
        errorCode.operationDenied,
        errorDomain.rpc,
        "operation forbidden: ",
        `read only access prevents ${found.name}`,
      );
    }
    return found;
  }

  #openStream(header: PacketHeader, end: Duplex): void {
    const { serial } = header;
    const head = (status: number) => ({ ...header, type: packetType.stream, status });
    const opened = new ServerStream(end, {
      send: (status, bytes) => this.#write(encodeRawPacket(head(status), bytes)),
      sendError: (error) => this.#write(encodePacket(head(packetStatus.error), errorPayload, this.#toPayload(error))),
      over: () => this.#streams.delete(serial),
    });
    this.#streams.set(serial, opened);
    if (this.#stream.destroyed) opened.destroy();
  }

  /** Answers with an open connection: one after the other, and with nothing of ours between. */
  async #passConnection(header: PacketHeader, target: SocketAddress): Promise<void> {
    const before = this.#passing;
    const pass = async () => {
      await before.catch(() => {});
      const flushed = new Promise((resolve) => this.#stream.write(new Uint8Array(), resolve));
      this.#held = [];
      try {
        await flushed;
        await this.#pass?.(this.#stream, encodeFileReply(replyHead(header, packetStatus.ok)), target);
      } finally {
        const held = this.#held ?? [];
        this.#held = undefined;
        for (const packet of held) this.#write(packet);
        for (const open of this.#streams.values()) open.drained();
      }
    };
    this.#passing = pass();
    await this.#passing;
  }

  /** The files themselves are gone: nobody asked the kernel for them. */
  #refuseFiles({ header, payload }: Packet): void {
    const files = payload.length < 4 ? maxFiles + 1 : payload.readUInt32BE(0);
    if (files > maxFiles) return this.close();
    this.#decoder.skip(files);
    const text = "open files of clients are not taken";
    const error = libvirtError(errorCode.argumentUnsupported, errorDomain.rpc, "argument unsupported: ", text);
    this.#write(encodePacket(replyHead(header, packetStatus.error), errorPayload, this.#toPayload(error)));
  }

  /** @returns `false` when the client does not keep up. */
  #write(packet: Buffer): boolean {
    if (this.#stream.destroyed) return true;
    if (this.#held !== undefined) return this.#held.push(packet) < maxHeld;
    if (this.#stream.writableLength > maxLyingBytes) {
      this.close();
      return true;
    }
    return this.#stream.write(packet);
  }
}

function replyHead(header: PacketHeader, status: number): PacketHeader {
  return { ...header, type: packetType.reply, status };
}
