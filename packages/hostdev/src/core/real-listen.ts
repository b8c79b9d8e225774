// SPDX-License-Identifier: Apache-2.0
import { createServer } from "node:net";
import type { Duplex } from "node:stream";
import { errnoOf, fileError } from "./errno.ts";
import type { Host, Listener } from "./host.ts";

/** `Host.listen` on the real machine. */
export function listen(where: Parameters<Host["listen"]>[0], serve: (line: Duplex) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, serve);
    server.on("error", (error) => {
      const path = "path" in where ? where.path : `/proc/self/fd/${where.fd}`;
      reject(fileError("listen on", path, errnoOf(error) ?? "EIO", error));
    });
    server.once("listening", () => {
      resolve({ close: () => new Promise((done) => server.close(() => done())) });
    });
    // bind(2) happens before listen() returns, so nothing else runs with this mask.
    const mask = process.umask(0o177);
    try {
      server.listen("path" in where ? { path: where.path } : { fd: where.fd });
    } finally {
      process.umask(mask);
    }
  });
}
