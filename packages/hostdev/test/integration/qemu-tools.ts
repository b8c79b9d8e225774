// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** As much of QMP as a test needs. */
export interface QmpSession {
  /** Gives a command and waits for its answer; rejects when QEMU refuses. */
  execute(command: string, given?: object): Promise<unknown>;
}

/** Connects to a QEMU that has just been started; `undefined` when it ended instead. */
export async function qmpSession(path: string, ended: Promise<void>): Promise<QmpSession | undefined> {
  let isOver = false;
  ended.then(() => {
    isOver = true;
  });
  let socket = await tryConnect(path);
  while (socket === undefined && !isOver) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket = await tryConnect(path);
  }
  if (socket === undefined) return undefined;
  const connected = socket;
  const waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
  const fail = () => {
    for (const { reject } of waiting.splice(0)) reject(new Error("QEMU ended"));
  };
  const lines = createInterface({ input: connected }).on("error", fail);
  lines.on("line", (line) => {
    const message = JSON.parse(line) as { return?: unknown; error?: { desc: string } };
    if ("return" in message) waiting.shift()?.resolve(message.return);
    else if (message.error !== undefined) waiting.shift()?.reject(new Error(message.error.desc));
  });
  connected.on("error", fail).on("close", fail);
  const execute = (command: string, given: object = {}) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.push({ resolve, reject });
      connected.write(`${JSON.stringify({ execute: command, arguments: given })}\n`);
    });
  try {
    await execute("qmp_capabilities");
  } catch {
    return undefined; // It ended while we connected; its own words say why.
  }
  return { execute };
}

/** The socket appears a moment before QEMU listens on it. */
function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

/** An empty qcow2 image (version 3, clusters of 64 KiB): header, refcount table, refcounts, and a table of nothing. */
export function emptyQcow2(sizeBytes: number): Uint8Array {
  const cluster = 65536;
  const image = Buffer.alloc(4 * cluster);
  image.write("QFI\xfb", 0, "latin1");
  image.writeUInt32BE(3, 4);
  image.writeUInt32BE(16, 20); // cluster bits
  image.writeBigUInt64BE(BigInt(sizeBytes), 24);
  image.writeUInt32BE(1, 36); // entries of the L1 table
  image.writeBigUInt64BE(BigInt(3 * cluster), 40);
  image.writeBigUInt64BE(BigInt(cluster), 48); // refcount table
  image.writeUInt32BE(1, 56);
  image.writeUInt32BE(4, 96); // refcounts of 16 bits
  image.writeUInt32BE(104, 100); // length of the header
  image.writeBigUInt64BE(BigInt(2 * cluster), cluster);
  for (let index = 0; index < 4; index++) image.writeUInt16BE(1, 2 * cluster + 2 * index);
  return image;
}
