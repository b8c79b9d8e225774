// SPDX-License-Identifier: Apache-2.0
import { chmodSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { type Packet, PacketDecoder } from "../../../src/rpc/packet.ts";

/** A packet as it went over the line, and who sent it. */
export interface OverheardPacket {
  readonly from: "client" | "server";
  readonly bytes: Buffer;
  readonly packet: Packet;
}

/** Stands between clients and a daemon, and remembers what they say. */
export class Eavesdropper {
  readonly packets: OverheardPacket[] = [];
  readonly #server: Server;

  /** Listens at `path`, and connects who comes to the daemon at `target`. */
  constructor(path: string, target: string) {
    this.#server = createServer((client) => {
      const server = connect(target);
      for (const [from, line, other] of [
        ["client", client, server],
        ["server", server, client],
      ] as const) {
        const decoder = new PacketDecoder();
        line.on("data", (chunk: Buffer) => {
          decoder.push(chunk);
          for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) this.#remember(from, packet);
          other.write(chunk);
        });
        line.on("end", () => other.end());
        line.on("error", () => other.destroy());
      }
    });
    this.#server.listen(path, () => chmodSync(path, 0o666));
  }

  close(): void {
    this.#server.close();
  }

  #remember(from: OverheardPacket["from"], packet: Packet): void {
    // The decoder has thrown the length away, and the header begins before the payload in the same memory.
    const { buffer, byteOffset, length } = packet.payload;
    this.packets.push({ from, bytes: Buffer.from(Buffer.from(buffer, byteOffset - 28, length + 28)), packet });
  }
}
