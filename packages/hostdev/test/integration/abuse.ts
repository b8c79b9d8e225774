// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from "node:net";
import { RpcClient } from "../../src/rpc/client.ts";

/** Connects, without a word. */
export function dial(socket: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const line = connect(socket, () => resolve(line));
    line.once("error", reject);
  });
}

/** Opens a session as libvirt's clients do. */
export async function openClient(socket: string): Promise<RpcClient> {
  return RpcClient.open(await dial(socket), "qemu:///session");
}

/** Asks something small again and again, until it is told to end. @returns the longest answer in milliseconds. */
export async function probe(client: RpcClient, until: Promise<unknown>): Promise<number> {
  let isOver = false;
  void until.then(() => {
    isOver = true;
  });
  let longestMs = 0;
  while (!isOver) {
    const started = performance.now();
    await client.call("connectGetUri", undefined);
    longestMs = Math.max(longestMs, performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return longestMs;
}

/** Resolves when the daemon has closed the line; what it has sent until then. */
export function untilClosed(line: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  line.on("data", (chunk: Buffer) => chunks.push(chunk));
  line.on("error", () => {});
  return new Promise((resolve) => line.once("close", () => resolve(Buffer.concat(chunks))));
}
