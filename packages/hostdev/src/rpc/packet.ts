// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import { MiB } from "../core/units.ts";
import { protocolError } from "./protocol-error.ts";
import { type Codec, type Infer, i32, struct, u32 } from "./xdr.ts";
import { XdrReader } from "./xdr-reader.ts";
import { XdrWriter } from "./xdr-writer.ts";

/** Numbers of the programs that share a connection. */
export const program = { remote: 0x2000_8086, qemu: 0x2000_8087, keepalive: 0x6b65_6570 } as const;

/** What a packet is. */
export const packetType = { call: 0, reply: 1, event: 2, stream: 3, callWithFds: 4, replyWithFds: 5, streamHole: 6 };

/** How a reply ended; of a stream's packets, whether more follow. */
export const packetStatus = { ok: 0, error: 1, continue: 2 };

const header = struct({ program: u32, version: u32, procedure: i32, type: i32, serial: u32, status: i32 });
export type PacketHeader = Infer<typeof header>;

/** A message, taken apart as far as all messages are alike. */
export interface Packet {
  readonly header: PacketHeader;
  readonly payload: Buffer;
}

const minLength = 28;
/** libvirt's limit, without the word that has the length (`VIR_NET_MESSAGE_MAX`). */
export const maxPacketBytes = 32 * MiB;

/** Writes a message whose payload is XDR. */
export function encodePacket<T>(head: PacketHeader, codec: Codec<T>, value: T): Buffer {
  return assemble(head, (writer) => codec.write(writer, value));
}

/** Writes the reply with an open file, all but the byte that carries it (`virNetMessageEncodeNumFDs`). */
export function encodeFileReply(head: PacketHeader): Buffer {
  return assemble({ ...head, type: packetType.replyWithFds }, (writer) => writer.u32(1));
}

/** Writes a message of a stream, whose payload is bytes. */
export function encodeRawPacket(head: PacketHeader, payload: Uint8Array): Buffer {
  return assemble(head, (writer) => writer.raw(payload));
}

function assemble(head: PacketHeader, writePayload: (writer: XdrWriter) => void): Buffer {
  const writer = new XdrWriter();
  writer.u32(0);
  header.write(writer, head);
  writePayload(writer);
  const bytes = writer.bytes();
  if (bytes.length > maxPacketBytes + 4) throw protocolError(`a message of ${bytes.length} bytes`);
  writer.patchU32(0, bytes.length);
  return bytes;
}

/** Reads a payload; bytes behind it are ignored, as libvirt does. @throws {HostdevError} `HD_RPC_PROTOCOL`. */
export function decodePayload<T>(codec: Codec<T>, payload: Buffer): T {
  return codec.read(new XdrReader(payload));
}

/**
 * Takes a stream of bytes apart into packets. Pure; bytes in, packets out, in whatever pieces they come. It holds at
 * most one unfinished packet, and never more memory than twice what has really arrived.
 */
export class PacketDecoder {
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #skipped = 0;

  /** Drops the next bytes, which need not have arrived: libvirt sends one for each open file, behind its packet. */
  skip(bytes: number): void {
    this.#skipped += bytes;
  }

  /** Whether nothing of a further packet has arrived. */
  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  /** Adds what has arrived. */
  push(chunk: Uint8Array): void {
    const kept = this.#end - this.#start;
    if (kept === 0) {
      this.#buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    if (this.#end + chunk.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(2 * (kept + chunk.length));
      this.#buffer.copy(larger, 0, this.#start, this.#end);
      this.#buffer = larger;
      this.#start = 0;
      this.#end = kept;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /**
   * The next whole packet; `undefined` when more must arrive first. Its payload is valid for ever.
   *
   * @throws {HostdevError} `HD_RPC_PROTOCOL` for a length below 28 or above 32 MiB + 4.
   */
  next(): Packet | undefined {
    const dropped = Math.min(this.#skipped, this.#end - this.#start);
    this.#start += dropped;
    this.#skipped -= dropped;
    const arrived = this.#end - this.#start;
    if (arrived < 4) return undefined;
    const length = this.#buffer.readUInt32BE(this.#start);
    if (length < minLength || length > maxPacketBytes + 4) throw protocolError(`a message of ${length} bytes`);
    if (arrived < length) return undefined;
    const packet = this.#buffer.subarray(this.#start + 4, this.#start + length);
    this.#start += length;
    return { header: header.read(new XdrReader(packet)), payload: packet.subarray(minLength - 4) };
  }
}
