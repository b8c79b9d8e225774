// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import type { SocketAddress } from "../core/host.ts";
import { libvirtError, toErrorPayload } from "./error-payload.ts";
import { encodePacket, encodeRawPacket, type Packet, PacketDecoder, packetType, program } from "./packet.ts";
import { procedures } from "./procedures.ts";
import { ServerConnection } from "./server-connection.ts";
import type { RpcService } from "./service.ts";
import type { Codec } from "./xdr.ts";

const target = { name: "vm", uuid: new Uint8Array(16), id: 1 };
const head = { program: program.remote, version: 1, type: packetType.call, status: 0 };
const openGraphics = (serial: number) =>
  encodePacket({ ...head, procedure: 343, serial }, procedures.domainOpenGraphicsFd.args as Codec<unknown>, {
    domain: target,
    index: 0,
    flags: 0,
  });
const getHostname = (serial: number) =>
  encodePacket({ ...head, procedure: 59, serial }, { write() {}, read() {} }, undefined);

/** A connection whose passing the test does; `passing` is called when it is its turn. */
function connect(passing: (line: Duplex, bytes: Uint8Array, to: SocketAddress) => Promise<void>) {
  const [ours, theirs] = duplexPair();
  const service: RpcService<ServerConnection> = {
    handlers: {
      domainOpenGraphicsFd: () => ({ path: "/run/vnc" }),
      connectGetHostname: () => ({ hostname: "host" }),
    },
    accept: (connection) => connection,
    toPayload: () => toErrorPayload(libvirtError(9, 0, "", "refused")),
    passConnection: passing,
  };
  const server = ServerConnection.serve(theirs, service);
  server.access = "full";
  const decoder = new PacketDecoder();
  const packets: Packet[] = [];
  ours.on("data", (chunk: Buffer) => {
    decoder.push(chunk);
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
      packets.push(packet);
      if (packet.header.type === packetType.replyWithFds) decoder.skip(1); // the byte that carries the file
    }
  });
  const seen = async (count: number) => {
    while (packets.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
    return packets.map(({ header: { type, serial, status } }) => ({ type, serial, status }));
  };
  return { line: ours, packets, seen };
}

test("an open connection goes behind its reply, and nothing comes between", async () => {
  const turns: (() => void)[] = [];
  const asked: SocketAddress[] = [];
  const { line, packets, seen } = connect(async (to, bytes, address) => {
    asked.push(address);
    await new Promise<void>((resolve) => turns.push(resolve));
    to.write(Buffer.concat([bytes, Buffer.of(0)]));
  });
  for (const bytes of [openGraphics(1), getHostname(2), openGraphics(3), getHostname(4)]) line.write(bytes);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([packets.length, turns.length], [0, 1]);
  turns[0]?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  turns[1]?.();
  const { reply, replyWithFds } = packetType;
  const order = (await seen(4)).map(({ type, serial }) => [type, serial]);
  assert.deepEqual(order[0], [replyWithFds, 1]);
  assert.deepEqual(
    order.slice(1).sort(([, one = 0], [, other = 0]) => one - other),
    [
      [reply, 2],
      [replyWithFds, 3],
      [reply, 4],
    ],
  );
  assert.deepEqual(asked, [{ path: "/run/vnc" }, { path: "/run/vnc" }]);
  assert.equal(packets[0]?.payload.toString("hex"), "00000001");
});

test("when nobody listens the client is told, and goes on", async () => {
  const { line, seen } = connect(() => Promise.reject(new Error("nobody listens")));
  line.write(openGraphics(1));
  line.write(getHostname(2));
  const answers = await seen(2);
  assert.deepEqual(
    answers.sort((one, other) => one.serial - other.serial),
    [
      { type: packetType.reply, serial: 1, status: 1 },
      { type: packetType.reply, serial: 2, status: 0 },
    ],
  );
});

test("open files of clients are refused, and the bytes that carry them skipped", async () => {
  const { line, seen } = connect(() => Promise.resolve());
  const withFiles = encodeRawPacket(
    { ...head, type: packetType.callWithFds, procedure: 9, serial: 1 },
    Buffer.of(0, 0, 0, 2),
  );
  line.write(withFiles);
  line.write(Buffer.of(0));
  line.write(Buffer.concat([Buffer.of(0), getHostname(2)]));
  assert.deepEqual(await seen(2), [
    { type: packetType.reply, serial: 1, status: 1 },
    { type: packetType.reply, serial: 2, status: 0 },
  ]);
});
