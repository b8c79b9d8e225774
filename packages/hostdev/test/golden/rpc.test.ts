// SPDX-License-Identifier: Apache-2.0

/** Packets that libvirt's virsh and libvirtd have exchanged; `test/integration/libvirt/wire.test.ts` has made them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PacketDecoder } from "../../src/rpc/packet.ts";
import { assertSameBytes, codecOf } from "../rpc-packets.ts";
import { goldenFolder } from "./golden-folder.ts";

const lines = readFileSync(join(goldenFolder("rpc"), "packets.txt"), "utf8")
  .trim()
  .split("\n");

test("our codecs read and write recorded packets of libvirt byte by byte", () => {
  const procedures = new Set<number>();
  for (const line of lines) {
    const bytes = Buffer.from(line.split(" ")[1] ?? "", "hex");
    const decoder = new PacketDecoder();
    decoder.push(bytes);
    const packet = decoder.next();
    assert.ok(packet);
    const codec = codecOf(packet);
    assert.ok(codec);
    assertSameBytes(bytes, packet, codec);
    procedures.add(packet.header.procedure);
  }
  assert.ok(procedures.size > 60, `${procedures.size} kinds of calls and events`);
});
