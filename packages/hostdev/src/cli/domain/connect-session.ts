// SPDX-License-Identifier: Apache-2.0
import { dirname } from "node:path";
import { HostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { RpcClient } from "../../rpc/client.ts";
import { defaultSocketPath } from "../../session/daemon-socket.ts";

const startTimeoutMs = 20_000;
/** Which sockets a mode tries: that of a daemon of this driver alone, and that of libvirt's one daemon of all. */
const socketsOf = new Map([
  ["auto", ["virtqemud-sock", "libvirt-sock"]],
  ["direct", ["virtqemud-sock"]],
  ["legacy", ["libvirt-sock"]],
]);
const accepted = "qemu:///system, qemu:///session?mode=legacy, qemu:///session?socket=PATH, or the path of a socket";

interface Endpoint {
  readonly uri: string;
  readonly paths: readonly string[];
}

/**
 * Connects to the daemon that has the caller's domains, and starts it when it does not run.
 *
 * @param connect another one instead, which is not started: `qemu:///system`, `qemu:///session?mode=legacy`,
 * `qemu:///session?socket=PATH`, or the path of a socket.
 * @throws {HostdevError} `HD_INVALID_ARGUMENT`; `HD_FILE` when nobody listens; `HD_TIMEOUT` when it does not start.
 */
export async function connectSession(host: Host, connect?: string): Promise<RpcClient> {
  if (connect !== undefined) return connectTo(host, parseConnect(host, connect));
  const path = defaultSocketPath(host);
  const stream = (await host.connect(path)) ?? (await startDaemon(host, path));
  return RpcClient.open(stream, "qemu:///session");
}

async function connectTo(host: Host, { uri, paths }: Endpoint): Promise<RpcClient> {
  for (const path of paths) {
    const stream = await host.connect(path);
    if (stream !== undefined) return RpcClient.open(stream, uri);
  }
  const path = paths.join(" or ");
  const details = { path, operation: "connect to", errno: "ECONNREFUSED" };
  throw new HostdevError("HD_FILE", `Cannot connect to ${uri}: nobody listens on ${path}`, details);
}

function parseConnect(host: Host, text: string): Endpoint {
  if (text.startsWith("/")) return { uri: "qemu:///session", paths: [text] };
  const match = /^(?:qemu(?:\+unix)?):\/\/\/(system|session)(?:\?(?:socket=(\/.*)|mode=(\w+)))?$/.exec(text);
  const [, which, socket, mode = "auto"] = match ?? [];
  const names = socketsOf.get(mode);
  if (match === null || names === undefined) {
    const message = `Cannot take ${JSON.stringify(text)} as --connect`;
    throw new HostdevError("HD_INVALID_ARGUMENT", message, { argument: "--connect", value: text, expected: accepted });
  }
  const uri = `qemu:///${which}`;
  if (socket !== undefined) return { uri, paths: [socket] };
  const isSystem = which === "system" || host.self.uid === 0;
  const folder = isSystem ? "/run/libvirt" : dirname(defaultSocketPath(host));
  return { uri, paths: names.map((name) => `${folder}/${name}`) };
}

/** Starts the daemon that comes with this program, and waits until it listens. */
async function startDaemon(host: Host, path: string) {
  const log = `${path}.log`;
  const program = daemonProgram(host);
  host.makeDirectory(dirname(path), 0o700);
  const daemon = await host.spawn(process.execPath, [program, "--socket", path], { logFile: log });
  let isOver = false;
  void daemon.ended.then(() => {
    isOver = true;
  });
  for (const end = host.now().getTime() + startTimeoutMs; host.now().getTime() < end; await host.sleep(50)) {
    const stream = await host.connect(path);
    if (stream !== undefined) return stream;
    if (!isOver) continue;
    // Another one may have been started at the same time, and have the session.
    await host.sleep(500);
    const other = await host.connect(path);
    if (other !== undefined) return other;
    const said = host.readText(log)?.trim().split("\n").slice(-3).join("; ") ?? "";
    const details = { command: "hostdev-sessiond", status: null, stderr: said };
    throw new HostdevError("HD_COMMAND_FAILED", `Cannot start hostdev-sessiond: ${said}`, details);
  }
  const message = `hostdev-sessiond does not listen on ${path} after ${startTimeoutMs / 1000} s; see ${log}`;
  throw new HostdevError("HD_TIMEOUT", message, { what: "hostdev-sessiond", timeoutMs: startTimeoutMs });
}

function daemonProgram(host: Host): string {
  const own = host.realPath(process.argv[1] ?? "") ?? "";
  const path = `${dirname(own)}/hostdev-sessiond.js`;
  if (host.status(path) !== undefined) return path;
  throw new HostdevError("HD_COMMAND_NOT_FOUND", `Cannot start the daemon: there is no ${path}`, {
    command: "hostdev-sessiond",
  });
}
