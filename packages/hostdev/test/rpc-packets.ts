// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { errorPayload } from "../src/rpc/error-payload.ts";
import { eventByNumber } from "../src/rpc/events.ts";
import { decodePayload, encodePacket, type Packet, packetStatus, packetType, program } from "../src/rpc/packet.ts";
import { procedureByNumber } from "../src/rpc/procedures.ts";
import { type Codec, nothing } from "../src/rpc/xdr.ts";

/** How the payload of a packet is to be read; `undefined` for calls that hostdev does not know, and raw bytes. */
export function codecOf({ header }: Packet): Codec<unknown> | undefined {
  if (header.program === program.keepalive) return nothing as Codec<unknown>;
  if (header.type === packetType.stream) return undefined;
  if (header.type === packetType.event && header.program === program.remote)
    return eventByNumber(header.procedure)?.message.codec;
  if (header.status === packetStatus.error) return errorPayload as Codec<unknown>;
  const call = procedureByNumber(header.program, header.procedure)?.call;
  return header.type === packetType.call ? call?.args : call?.result;
}

/** Reads a packet that somebody else has written, writes it again, and wants the same bytes. */
export function assertSameBytes(bytes: Buffer, packet: Packet, codec: Codec<unknown>): void {
  const value = decodePayload(codec, packet.payload);
  const again = encodePacket(packet.header, codec, value);
  const { procedure, type } = packet.header;
  assert.equal(again.toString("hex"), bytes.toString("hex"), `procedure ${procedure}, type ${type}`);
}
