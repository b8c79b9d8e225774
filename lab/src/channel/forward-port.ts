// SPDX-License-Identifier: Apache-2.0

import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Channel } from "./channel.ts";

/** A port of the host, behind which is one of the machine. */
export interface ForwardedPort {
  /** On 127.0.0.1 of the host. */
  readonly port: number;
  /** Ends what is connected, and listens no more. */
  close(): Promise<void>;
}

/**
 * Makes a TCP port on the machine's loopback reachable from the host, over the command channel: no network, and no device that
 * scenarios would see. Where nobody listens in the machine a connection is ended at once.
 *
 * Touches: a free port of the host's loopback; a `socat` in the machine for each connection.
 * Either side may end its half first. A slow server is waited for; what a slow client of the host has not read yet is kept in
 * memory, since the channel has other commands' output to deliver.
 */
export async function forwardPort(channel: Channel, port: number): Promise<ForwardedPort> {
  const connections = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    connect(channel, port, socket);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of connections) socket.destroy();
      }),
  };
}

function connect(channel: Channel, port: number, socket: Socket): void {
  // socat waits long for the server's answer after the client's end; that cat has come to an end tells the server's.
  const script = `exec 3<&0; exec cat < <(exec socat -t 3600 STDIN!!STDOUT,shut-close TCP:127.0.0.1:${port} <&3 2>/dev/null)`;
  const onBytes = (bytes: Buffer) => void socket.write(bytes);
  const command = channel.start({ user: "root", script, keepInput: true, onBytes });
  socket.on("data", (bytes) => command.write(bytes));
  socket.on("end", () => command.endInput());
  socket.on("error", () => {}); // "close" follows
  socket.on("close", () => command.kill());
  command.result.then(
    () => socket.destroySoon(),
    () => socket.destroy(),
  );
}
