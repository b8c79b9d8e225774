// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type Duplex, duplexPair, PassThrough } from "node:stream";
import { test } from "node:test";
import { isHostdevError, toHostdevError } from "../core/errors.ts";
import { RpcClient } from "./client.ts";
import { errorCode, libvirtError, toErrorPayload } from "./error-payload.ts";
import { encodePacket, encodeRawPacket, PacketDecoder, program } from "./packet.ts";
import { ServerConnection } from "./server-connection.ts";
import type { Handlers, RpcService } from "./service.ts";
import { nothing } from "./xdr.ts";

const target = { name: "vm", uuid: new Uint8Array(16), id: 1 };

/** A service with a few calls, that keeps its connections. */
function service(more: Handlers<ServerConnection> = {}): RpcService<ServerConnection> {
  return {
    handlers: {
      authList: () => ({ types: [0] }),
      connectSupportsFeature: () => ({ supported: false }),
      connectOpen: (connection, { flags }) => {
        connection.access = (flags & 1) === 0 ? "full" : "read-only";
      },
      connectGetHostname: () => ({ hostname: "host" }),
      domainDestroy: () => {},
      ...more,
    },
    accept: (connection) => connection,
    toPayload: (error) => {
      const known = isHostdevError(error, "HD_LIBVIRT_ERROR");
      return toErrorPayload(known ? error : libvirtError(1, 0, "internal error: ", toHostdevError(error).message));
    },
  };
}

function connect(offered = service()): { readonly server: ServerConnection; readonly line: Duplex } {
  const [ours, theirs] = duplexPair();
  // As sockets do.
  ours.once("close", () => theirs.destroy());
  theirs.once("close", () => ours.destroy());
  return { server: ServerConnection.serve(theirs, offered), line: ours };
}

async function open(offered = service(), options = {}) {
  const { server, line } = connect(offered);
  return { server, line, client: await RpcClient.open(line, "qemu:///session", options) };
}

const refusedWith = (number: number, text: RegExp) => (error: unknown) =>
  isHostdevError(error, "HD_LIBVIRT_ERROR") && error.details.number === number && text.test(error.message);

test("a call is answered, and several at once each get their own answer", async () => {
  const { client } = await open();
  const answers = await Promise.all([client.call("connectGetHostname", undefined), client.call("authList", undefined)]);
  assert.deepEqual(answers, [{ hostname: "host" }, { types: [0] }]);
});

test("what the service throws arrives with its number, domain and text", async () => {
  const fail = () => Promise.reject(libvirtError(errorCode.noDomain, 10, "Domain not found: ", "no such thing"));
  const { client } = await open(service({ domainLookupByName: fail }));
  await assert.rejects(client.call("domainLookupByName", { name: "x" }), (error) => {
    assert.ok(isHostdevError(error, "HD_LIBVIRT_ERROR"));
    assert.deepEqual(error.details, { number: 42, domain: 10, prefix: "Domain not found: ", detail: "no such thing" });
    return true;
  });
});

test("calls that nobody offers, before opening, or that change something while reading are refused", async () => {
  const { client } = await open(service(), { readOnly: true });
  await assert.rejects(client.call("domainDestroy", { domain: target }), refusedWith(29, /read only access/));
  await assert.rejects(client.call("connectGetUri", undefined), refusedWith(3, /not supported.*connectGetUri/));
  const { line } = connect();
  const stranger = new RpcClient(line);
  await assert.rejects(stranger.call("connectGetHostname", undefined), refusedWith(1, /connection not open/));
});

/** Sends packets by hand, and takes what comes back. */
async function exchange(line: Duplex, packets: readonly Buffer[], wanted: number) {
  const decoder = new PacketDecoder();
  const answers: {
    readonly type: number;
    readonly status: number;
    readonly procedure: number;
    readonly text: string;
  }[] = [];
  line.on("data", (chunk: Buffer) => {
    decoder.push(chunk);
    for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
      const { type, status, procedure } = packet.header;
      answers.push({ type, status, procedure, text: packet.payload.toString("latin1") });
    }
  });
  for (const packet of packets) line.write(packet);
  while (answers.length < wanted) await once(line, "data");
  return answers;
}

test("unknown programs, procedures and versions are answered, never dropped", async () => {
  const { line } = connect();
  const head = { program: program.remote, version: 1, procedure: 9999, type: 0, serial: 3, status: 0 };
  const packets = [head, { ...head, program: 1 }, { ...head, version: 2 }, { ...head, procedure: -1 }];
  const answers = await exchange(
    line,
    packets.map((each) => encodePacket(each, nothing, undefined)),
    4,
  );
  for (const { type, status } of answers) assert.deepEqual({ type, status }, { type: 1, status: 1 });
  assert.match(answers[0]?.text ?? "", /procedure 9999/);
  assert.match(answers[1]?.text ?? "", /Cannot find program 1 version 1/);
});

test("a call whose arguments end too early is refused, and the connection goes on", async () => {
  const { line } = connect();
  const call = (procedure: number, payload: string) =>
    encodeRawPacket(
      { program: program.remote, version: 1, procedure, type: 0, serial: 0, status: 0 },
      Buffer.from(payload, "hex"),
    );
  const answers = await exchange(line, [call(60, "0000"), call(60, "0000000e"), call(60, "0000000eaabbccdd")], 3);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [1, 0, 0],
  );
});

test("garbage, answers and files beside bytes end the connection", async () => {
  const head = { program: program.remote, version: 1, procedure: 66, type: 4, serial: 0, status: 0 };
  const reply = encodePacket({ ...head, type: 1 }, nothing, undefined);
  for (const bytes of [Buffer.alloc(64, 0x41), Buffer.alloc(4), encodePacket(head, nothing, undefined), reply]) {
    const { server, line } = connect();
    line.on("error", () => {}).resume();
    line.write(bytes);
    await server.closed;
  }
});

test("pings are answered", async () => {
  const { line } = connect();
  const ping = { program: program.keepalive, version: 1, procedure: 1, type: 2, serial: 0, status: 0 };
  const [answer] = await exchange(line, [encodePacket(ping, nothing, undefined)], 1);
  assert.equal(answer?.procedure, 2);
});

test("a side that answers no ping is given up", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { server, line } = connect();
  line.resume();
  server.startKeepalive();
  t.mock.timers.tick(5000 * 6);
  await server.closed;
});

test("events reach the registration that they are for", async () => {
  const { client, server } = await open();
  const seen: unknown[] = [];
  client.onEvent((event) => seen.push(event));
  server.sendEvent("lifecycle", 7, { domain: target, event: 2, detail: 0 });
  server.sendEvent("nodeDeviceUpdate", 8, { device: { name: "pci_0000_01_00_0" } });
  await client.call("connectGetHostname", undefined);
  assert.deepEqual(
    seen.map((event) => (event as { callbackId: number; name: string }).callbackId),
    [7, 8],
  );
});

test("a stream carries bytes both ways, and ends when the other end does", async () => {
  const end = duplexPair();
  const { client } = await open(service({ domainOpenConsole: async () => ({ reply: undefined, stream: end[0] }) }));
  const console = await client.openStream("domainOpenConsole", { domain: target, device: null, flags: 0 });
  let got = "";
  console.on("data", (chunk: Buffer) => {
    got += chunk.toString();
  });
  console.write("typed");
  assert.equal(String((await once(end[1], "data"))[0]), "typed");
  end[1].write("shown");
  const long = "x".repeat(600_000);
  const closed = once(console, "close");
  end[1].end(long);
  await closed;
  assert.equal(got, `shown${long}`);
  assert.deepEqual(await client.call("connectGetHostname", undefined), { hostname: "host" });
});

test("a stream that the client gives up is closed on the server, and so are all when the client goes", async () => {
  const ends = [duplexPair(), duplexPair()];
  let opened = 0;
  const { client } = await open(
    service({
      domainOpenConsole: async () => ({ reply: undefined, stream: ends[opened++]?.[0] ?? new PassThrough() }),
    }),
  );
  const args = { domain: target, device: null, flags: 0 };
  const first = await client.openStream("domainOpenConsole", args);
  const second = await client.openStream("domainOpenConsole", args);
  second.on("error", () => {});
  first.destroy();
  await once(ends[0]?.[0] as Duplex, "close");
  client.close();
  await once(ends[1]?.[0] as Duplex, "close");
});

test("a client that never reads is not read any more, and its events are not kept for ever", async () => {
  let calls = 0;
  const big = "x".repeat(100_000);
  const { server, line } = connect(
    service({
      connectGetHostname: () => {
        calls += 1;
        return { hostname: big };
      },
    }),
  );
  server.access = "full";
  const head = { program: program.remote, version: 1, procedure: 59, type: 0, serial: 0, status: 0 };
  const call = encodePacket(head, nothing, undefined);
  line.pause();
  for (let count = 0; count < 500; count++) line.write(call);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(calls < 30, `${calls} calls were done for a client that reads no answer`);
  for (let count = 0; count < 300; count++) {
    server.sendEvent("nodeDeviceUpdate", 1, { device: { name: big } });
  }
  await server.closed;
});
