// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { isHostdevError } from "../core/errors.ts";
import { QmpClient } from "./client.ts";
import { QmpDecoder } from "./framing.ts";

const greeting = '{"QMP": {"version": {}, "capabilities": []}}\n';

/** A QEMU that greets, and answers each command with what `answer` makes of it. */
async function connected(answer: (command: { execute: string; id: number }, qemu: Duplex) => void) {
  const [qemu, ours] = duplexPair();
  qemu.setEncoding("utf8");
  qemu.on("data", (text: string) => {
    for (const line of text.trim().split("\n")) {
      const command = JSON.parse(line) as { execute: string; id: number };
      if (command.execute === "qmp_capabilities") qemu.write(`{"return": {}, "id": ${command.id}}\n`);
      else answer(command, qemu);
    }
  });
  qemu.write(greeting);
  return { client: await QmpClient.open(ours, 1000), qemu };
}

test("QmpDecoder.decode() takes lines apart however they are cut", () => {
  const lines = fc.array(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue()), { maxLength: 5 });
  fc.assert(
    fc.property(lines, fc.nat(20), (messages, size) => {
      const text = messages.map((message) => `${JSON.stringify(message)}\r\n`).join("");
      const decoder = new QmpDecoder();
      const chunks = text.match(new RegExp(`[\\s\\S]{1,${size + 1}}`, "g")) ?? [];
      assert.deepEqual(JSON.stringify(chunks.flatMap((chunk) => decoder.decode(chunk))), JSON.stringify(messages));
    }),
  );
});

test("QmpDecoder.decode() throws nothing but HD_QMP_PROTOCOL for anything", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        return Array.isArray(new QmpDecoder().decode(`${text}\n`));
      } catch (error) {
        return isHostdevError(error, "HD_QMP_PROTOCOL");
      }
    }),
  );
});

test("QmpClient.execute() matches replies to commands by id, in any order", async () => {
  const ids: number[] = [];
  const { client } = await connected((command, qemu) => {
    ids.push(command.id);
    if (ids.length === 2) for (const id of ids.reverse()) qemu.write(`{"return": {"id": ${id}}, "id": ${id}}\n`);
  });
  const [first, second] = await Promise.all([client.execute("one"), client.execute("two")]);
  assert.deepEqual([first, second], [{ id: 2 }, { id: 3 }]);
});

test("QmpClient.execute() throws QEMU's own words", async () => {
  const { client } = await connected(({ id }, qemu) =>
    qemu.write(`{"error": {"class": "DeviceNotFound", "desc": "no such device"}, "id": ${id}}\n`),
  );
  await assert.rejects(
    client.execute("device_del"),
    (error) =>
      isHostdevError(error, "HD_QMP_COMMAND") &&
      error.details.class === "DeviceNotFound" &&
      error.message.includes("no such device"),
  );
});

test("QmpClient.execute() gives up in time, and throws a late reply away", async () => {
  const { client, qemu } = await connected(() => {});
  await assert.rejects(client.execute("slow", {}, 20), (error) => isHostdevError(error, "HD_QMP_TIMEOUT"));
  qemu.write('{"return": {}, "id": 2}\n');
  qemu.write('{"event": "STOP"}\n');
  await new Promise<void>((resolve) => void client.onEvent(() => resolve()));
});

test("QmpClient fails what is under way when QEMU dies, and what comes after", async () => {
  const { client } = await connected((_command, qemu) => void qemu.end());
  await assert.rejects(client.execute("quit"), (error) => isHostdevError(error, "HD_QMP_CLOSED"));
  await client.closed;
  await assert.rejects(client.execute("stop"), (error) => isHostdevError(error, "HD_QMP_CLOSED"));
});

test("QmpClient closes on what is no QMP", async () => {
  const { client } = await connected((_command, qemu) => void qemu.write("hello\n"));
  await assert.rejects(client.execute("x"), (error) => isHostdevError(error, "HD_QMP_PROTOCOL"));
  await client.closed;
});

test("QmpClient.open() does not wait for ever for a greeting", async () => {
  const [, ours] = duplexPair();
  await assert.rejects(QmpClient.open(ours, 20), (error) => isHostdevError(error, "HD_QMP_TIMEOUT"));
});

test("QmpClient.onEvent() tells events until it is ended", async () => {
  const { client, qemu } = await connected(({ id }, peer) => peer.write(`{"return": {}, "id": ${id}}\n`));
  const seen: string[] = [];
  const end = client.onEvent(({ event }) => seen.push(event));
  qemu.write('{"event": "SHUTDOWN", "data": {"guest": true}}\n');
  await client.execute("query-status");
  end();
  qemu.write('{"event": "STOP"}\n');
  await client.execute("query-status");
  assert.deepEqual(seen, ["SHUTDOWN"]);
});
