// SPDX-License-Identifier: Apache-2.0

/**
 * The built daemon as an ordinary user, with clients that do everything wrong: they harm only themselves. And what is
 * true after it was killed, or the disk was full.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import type { RpcClient } from "../../src/rpc/client.ts";
import { encodePacket, PacketDecoder, program } from "../../src/rpc/packet.ts";
import { procedures } from "../../src/rpc/procedures.ts";
import { nothing } from "../../src/rpc/xdr.ts";
import { dial, openClient, probe, untilClosed } from "./abuse.ts";
import { testDomain } from "./domains.ts";
import { lacks, startSessiond, TestUser } from "./programs.ts";

const noQemu = lacks("qemu-system-x86_64", "qemu-system-x86");
const user = new TestUser();
let socket = "";
let daemon: Awaited<ReturnType<typeof startSessiond>>;
/** Its every answer is timed while the others misbehave. */
let good: RpcClient;

before(async () => {
  daemon = await startSessiond(user);
  socket = daemon.socket;
  good = await openClient(socket);
  for (let number = 0; number < 5; number++) await good.call("domainDefineXml", { xml: numbered(number) });
});
after(() => user.remove());

/** The same domain under another name. */
function numbered(number: number): string {
  return testDomain.replace("<name>vm<", `<name>vm${number}<`).replace("0000000000aa", `00000000000${number}`);
}

const call = (procedure: number, serial = 0) => {
  const head = { program: program.remote, version: 1, procedure, type: 0, serial, status: 0 };
  return encodePacket(head, nothing, undefined);
};
const pause = (timeMs: number) => new Promise((resolve) => setTimeout(resolve, timeMs));

/** Far above what is ever seen, and far below what a client would take for a dead daemon. */
const patienceMs = 2000;

test("a length of 4 GB and garbage end their connection, and nobody else's", { timeout: 20_000 }, async () => {
  for (const bytes of [Buffer.from("ffffffff", "hex"), Buffer.from("0000001b", "hex"), Buffer.alloc(4096, 0x47)]) {
    const line = await dial(socket);
    const closed = untilClosed(line);
    line.write(bytes);
    assert.equal((await closed).length, 0);
  }
  assert.equal((await good.call("connectGetUri", undefined)).uri, "qemu:///session");
});

test("clients that send a byte now and then, or half a packet, keep nobody waiting", async (t) => {
  const lines = await Promise.all(Array.from({ length: 20 }, () => dial(socket)));
  const packet = call(procedures.authList.number);
  for (const [index, line] of lines.entries()) line.write(packet.subarray(0, index));
  const drip = (async () => {
    for (let at = 20; at < packet.length; at++) {
      for (const [index, line] of lines.entries()) line.write(packet.subarray(at - 20 + index, at - 19 + index));
      await pause(20);
    }
  })();
  const longestMs = await probe(good, drip);
  t.diagnostic(`longest answer meanwhile: ${longestMs.toFixed(1)} ms`);
  assert.ok(longestMs < patienceMs);
  for (const line of lines) line.destroy();
});

test("a packet that comes byte by byte is answered like any other", async () => {
  const line = await dial(socket);
  for (const byte of call(procedures.authList.number, 7)) {
    line.write(Uint8Array.of(byte));
    await pause(1);
  }
  const decoder = new PacketDecoder();
  decoder.push(await new Promise<Buffer>((resolve) => line.once("data", resolve)));
  assert.deepEqual(decoder.next()?.header, {
    program: program.remote,
    version: 1,
    procedure: 66,
    type: 1,
    serial: 7,
    status: 0,
  });
  line.destroy();
});

test("a client that never reads is not served any further, and costs little memory", async (t) => {
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.child.pid}/status`, "utf8"))?.[1]);
  const before = rss();
  const lines = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const line = (await openLine()).pause();
      for (let count = 0; count < 2000; count++) line.write(call(procedures.connectGetCapabilities.number, count));
      return line;
    }),
  );
  const longestMs = await probe(good, pause(500));
  const grownKiB = rss() - before;
  t.diagnostic(`${grownKiB} KiB more memory, longest answer meanwhile: ${longestMs.toFixed(1)} ms`);
  assert.ok(grownKiB < 128 * 1024, `${grownKiB} KiB`);
  assert.ok(longestMs < patienceMs, `${longestMs} ms`);
  for (const line of lines) line.destroy();
});

/** A line on which a session is open already. */
async function openLine() {
  const line = await dial(socket);
  const head = { program: program.remote, version: 1, procedure: 1, type: 0, serial: 0, status: 0 };
  line.write(encodePacket(head, procedures.connectOpen.args, { name: "", flags: 0 }));
  await new Promise((resolve) => line.once("data", resolve));
  return line;
}

test("200 clients at once list the domains and read the XML of each", async (t) => {
  const started = performance.now();
  const work = Promise.all(
    Array.from({ length: 200 }, async () => {
      const client = await openClient(socket);
      const { items } = await client.call("connectListAllDomains", { needResults: true, flags: 0 });
      const texts = await Promise.all(items.map((domain) => client.call("domainGetXmlDesc", { domain, flags: 0 })));
      client.close();
      return texts.length;
    }),
  );
  const longestMs = await probe(good, work);
  assert.deepEqual(new Set(await work), new Set([5]));
  const tookMs = performance.now() - started;
  t.diagnostic(`${tookMs.toFixed(0)} ms for 200 clients, longest answer meanwhile: ${longestMs.toFixed(1)} ms`);
  assert.ok(longestMs < 5 * patienceMs);
});

test("after the daemon was killed its VMs run on, and the next one knows them", {
  skip: noQemu,
  timeout: 60_000,
}, async () => {
  const { domain } = await good.call("domainLookupByName", { name: "vm0" });
  await good.call("domainCreate", { domain });
  const running = await good.call("domainLookupByName", { name: "vm0" });
  daemon.child.kill("SIGKILL");
  await good.closed;
  await pause(200);
  daemon = await startSessiond(user);
  good = await openClient(socket);
  const found = await good.call("domainLookupByName", { name: "vm0" });
  assert.equal(found.domain.id, running.domain.id);
  assert.deepEqual(await good.call("domainGetState", { domain: found.domain, flags: 0 }), { state: 1, reason: 1 });
  await good.call("domainDestroy", { domain: found.domain });
});

test("a socket that somebody else has opened is served, as systemd hands it over", {
  skip: lacks("/usr/bin/python3", "python3"),
  timeout: 20_000,
}, async (t) => {
  const other = new TestUser();
  t.after(() => other.remove());
  const path = join(other.runtime, "handed");
  await startSessiond(other, { args: ["--idle", "10s"], handedSocket: path });
  const client = await openClient(path);
  assert.equal((await client.call("connectGetUri", undefined)).uri, "qemu:///session");
  client.close();
});

test("told to end, the daemon goes at once, though a client is connected", { timeout: 20_000 }, async (t) => {
  const other = new TestUser();
  t.after(() => other.remove());
  const { child, socket: path } = await startSessiond(other, { args: [] });
  await openClient(path);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  assert.equal(await Promise.race([ended, pause(10_000).then(() => "it goes on")]), 0);
});

test("the old definition stays whole when the disk is full", async (t) => {
  const small = new TestUser();
  mkdirSync(join(small.folder, "home/.config"), { recursive: true });
  const target = join(small.folder, "home/.config");
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs", target]);
  t.after(async () => {
    spawnSync("umount", ["--lazy", target]);
    await small.remove();
  });
  if (mounted.status !== 0) return t.skip("only root may mount a small file system");
  const { socket: place } = await startSessiond(small);
  const client = await openClient(place);
  const { domain } = await client.call("domainDefineXml", { xml: testDomain });
  const { xml } = await client.call("domainGetXmlDesc", { domain, flags: 2 });
  try {
    writeFileSync(join(target, "filler"), Buffer.alloc(65536));
  } catch {
    // as full as it gets
  }
  const longer = xml.replace("<title>", `<description>${"x".repeat(20_000)}</description><title>`);
  const isFull = (error: unknown) => isHostdevError(error, "HD_LIBVIRT_ERROR") && /no space left/.test(error.message);
  await assert.rejects(client.call("domainDefineXml", { xml: longer }), isFull);
  assert.equal((await client.call("domainGetXmlDesc", { domain, flags: 2 })).xml, xml);
  client.close();
});
