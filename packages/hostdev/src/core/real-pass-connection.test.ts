// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { after, test } from "node:test";
import { isHostdevError } from "./errors.ts";
import { realHost } from "./real-host.ts";

const host = realHost();
const folder = mkdtempSync(join(tmpdir(), "hostdev-pass-"));
after(() => rmSync(folder, { recursive: true }));
const skip = host.canPassConnections ? false : "there is no python3: apt-get install python3";

/** Connects, reads 4 bytes and a file behind them, and prints what comes out of that; then what else comes on the line. */
const receiver = `
import socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
data = line.recv(4)
_, files, _, _ = socket.recv_fds(line, 1, 1)
other = socket.socket(fileno=files[0])
print(data.decode(), other.recv(100).decode(), line.recv(100).decode())
`;

test("passConnection() gives a connection away, behind the bytes that announce it", { skip }, async () => {
  const [path, screen] = [join(folder, "line"), join(folder, "screen")];
  const displays = [createServer((socket) => socket.end("unix")), createServer((socket) => socket.end("tcp"))] as const;
  await new Promise<void>((resolve) => displays[0].listen(screen, resolve));
  await new Promise<void>((resolve) => displays[1].listen(0, "127.0.0.1", resolve));
  const { port } = displays[1].address() as { port: number };
  for (const [target, said] of [
    [{ path: screen }, "unix"],
    [{ address: "127.0.0.1", port }, "tcp"],
  ] as const) {
    let served: (line: Duplex) => void = () => {};
    const line = new Promise<Duplex>((resolve) => {
      served = resolve;
    });
    const listener = await host.listen({ path }, served);
    const child = spawn("/usr/bin/python3", ["-c", receiver, path]);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const client = await line;
    client.resume();
    const nobody = host.passConnection(client, Buffer.from("none"), { path: join(folder, "nobody") });
    await assert.rejects(nobody, (error) => isHostdevError(error, "HD_FILE") && error.details.errno === "ECONNREFUSED");
    await host.passConnection(client, Buffer.from("head"), target);
    client.write("after");
    assert.equal(await new Promise((resolve) => child.once("exit", resolve)), 0);
    assert.equal(output, `head ${said} after\n`);
    client.destroy();
    await listener.close();
  }
  for (const display of displays) display.close();
});
