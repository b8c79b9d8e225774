// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import { toHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { ServerConnection } from "../rpc/server-connection.ts";
import { clearSocketPath, type DaemonSocket } from "./daemon-socket.ts";
import { MachineFacts } from "./machine/machine-facts.ts";
import { NodeDeviceWatch } from "./node-device-watch.ts";
import { sessionService } from "./procedures/service.ts";
import type { Session } from "./session-api.ts";
import { sessionPaths } from "./session-paths.ts";
import { Pools } from "./storage/pools.ts";

export interface DaemonOptions {
  readonly socket: DaemonSocket;
  /** The daemon ends after so long without a client and without a running VM; `undefined`: never. */
  readonly idleMs: number | undefined;
  /** When it is aborted the daemon ends; VMs go on. */
  readonly signal: AbortSignal;
  readonly log: (text: string) => void;
}

/** More are let in and told to go at once: each client costs an open file. */
const maxClients = 1000;

/**
 * Serves a session to libvirt's clients until it is told to end, or nobody needs it. Running VMs go on in any case.
 *
 * Touches: makes the socket and removes it. Needs: nothing.
 * @throws {HostdevError} `HD_FILE` when it cannot listen.
 */
export async function runDaemon(host: Host, session: Session, options: DaemonOptions): Promise<void> {
  const { socket, idleMs, signal, log } = options;
  const nodeDevices = new NodeDeviceWatch(host);
  const pools = new Pools(host, sessionPaths(host));
  const service = sessionService({ host, session, machine: new MachineFacts(host), nodeDevices, pools }, log);
  const clients = new Set<ServerConnection>();
  const idle = new IdleTimer(idleMs, () => clients.size > 0 || session.list().some(({ isActive }) => isActive));
  const serve = (line: Duplex) => {
    if (clients.size >= maxClients) return void line.destroy();
    const client = ServerConnection.serve(line, service);
    clients.add(client);
    void client.closed.then(() => {
      clients.delete(client);
      idle.look();
    });
  };
  if ("path" in socket) await clearSocketPath(host, socket.path);
  const listener = await host.listen(socket, serve);
  const stopListening = session.onEvent(() => idle.look());
  log(`serving ${"path" in socket ? socket.path : "the socket that systemd opened"}`);
  pools.startMarked(log);
  for (const problem of [...session.problems, ...pools.problems]) log(`${problem.path}: ${problem.message}`);
  const starting = session.startMarked().catch((error) => log(toHostdevError(error).message));
  try {
    void starting.then(() => idle.look());
    const reason = await Promise.race([idle.over, aborted(signal)]);
    log(`ending: ${reason}`);
  } finally {
    idle.stop();
    stopListening();
    await Promise.all([listener.close(), ...[...clients].map((client) => end(client))]);
    nodeDevices.close();
    await starting;
  }
}

async function end(client: ServerConnection): Promise<void> {
  client.close();
  await client.closed;
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(String(signal.reason));
    signal.addEventListener("abort", () => resolve(String(signal.reason)), { once: true });
  });
}

/** Ends the daemon when it has not been needed for a while. */
class IdleTimer {
  /** Resolves when the time is over. */
  readonly over: Promise<string>;
  #timeMs: number | undefined;
  readonly #isNeeded: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #end: (reason: string) => void = () => {};

  constructor(timeMs: number | undefined, isNeeded: () => boolean) {
    this.#timeMs = timeMs;
    this.#isNeeded = isNeeded;
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Something that counts may have changed. */
  look(): void {
    clearTimeout(this.#timer);
    if (this.#timeMs === undefined || this.#isNeeded()) return;
    this.#timer = setTimeout(
      () => (this.#isNeeded() ? undefined : this.#end("no client and no running VM")),
      this.#timeMs,
    );
  }

  /** For good: clients that go now are no reason to wait for others, which would keep the process. */
  stop(): void {
    this.#timeMs = undefined;
    clearTimeout(this.#timer);
  }
}
