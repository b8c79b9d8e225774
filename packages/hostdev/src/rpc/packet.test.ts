// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { isHostdevError } from "../core/errors.ts";
import { encodeRawPacket, maxPacketBytes, PacketDecoder, type PacketHeader } from "./packet.ts";

const isProtocolError = (error: unknown) => isHostdevError(error, "HD_RPC_PROTOCOL");
const head: PacketHeader = { program: 0x20008086, version: 1, procedure: 66, type: 0, serial: 0, status: 0 };

function decodeAll(decoder: PacketDecoder): { serial: number; payload: string }[] {
  const packets: { serial: number; payload: string }[] = [];
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
    packets.push({ serial: packet.header.serial, payload: packet.payload.toString("hex") });
  }
  return packets;
}

test("the first call of every client, byte by byte", () => {
  const expected = "0000001c" + "20008086" + "00000001" + "00000042" + "00000000" + "00000000" + "00000000";
  assert.equal(encodeRawPacket(head, new Uint8Array()).toString("hex"), expected);
});

test("packets come out as they went in, however the bytes are cut", () => {
  const packets = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(packets, fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }), (payloads, cuts) => {
      const bytes = Buffer.concat(payloads.map((payload, serial) => encodeRawPacket({ ...head, serial }, payload)));
      const decoder = new PacketDecoder();
      const found: { serial: number; payload: string }[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const length = cuts[turn % cuts.length] ?? 1;
        decoder.push(Buffer.from(bytes.subarray(at, at + length)));
        found.push(...decodeAll(decoder));
        at += length;
      }
      const expected = payloads.map((payload, serial) => ({ serial, payload: Buffer.from(payload).toString("hex") }));
      assert.deepEqual(found, expected);
    }),
  );
});

test("a payload stays as it was while more arrives", () => {
  const decoder = new PacketDecoder();
  const bytes = encodeRawPacket(head, Uint8Array.of(1, 2, 3, 4));
  decoder.push(bytes.subarray(0, 10));
  decoder.push(Buffer.concat([bytes.subarray(10), bytes.subarray(0, 12)]));
  const first = decoder.next();
  for (let at = 12; at < bytes.length; at++) decoder.push(bytes.subarray(at, at + 1));
  decoder.push(Buffer.alloc(1000, 0xff).fill(0, 0, 4).fill(28, 3, 4));
  assert.equal(first?.payload.toString("hex"), "01020304");
  assert.equal(decoder.next()?.payload.toString("hex"), "01020304");
});

test("lengths below 28 and above 32 MiB + 4 are refused at once", () => {
  for (const length of [0, 4, 27, maxPacketBytes + 5, 0xffff_ffff]) {
    const decoder = new PacketDecoder();
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(length);
    decoder.push(bytes);
    assert.throws(() => decoder.next(), isProtocolError);
  }
  const decoder = new PacketDecoder();
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(maxPacketBytes + 4);
  decoder.push(bytes);
  assert.equal(decoder.next(), undefined);
});

test("any bytes are packets, the wait for more, or a protocol error", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), (chunks) => {
      const decoder = new PacketDecoder();
      try {
        for (const chunk of chunks) {
          decoder.push(chunk);
          decodeAll(decoder);
        }
      } catch (error) {
        if (!isProtocolError(error)) throw error;
      }
    }),
  );
});
