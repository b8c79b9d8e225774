// SPDX-License-Identifier: Apache-2.0
import { dirname } from "node:path";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/** Where a daemon listens: a path, or a socket that systemd opened for it. */
export type DaemonSocket = { readonly path: string } | { readonly fd: number };

/** The first file that systemd hands over (`SD_LISTEN_FDS_START`). */
const firstFd = 3;
/** A unix socket's path is no longer (`sun_path`, unix(7)), with its NUL. */
const maxPathBytes = 107;

/**
 * Where clients of `qemu:///session` look first: `virtqemud-sock` in the user's runtime folder, or without a login
 * session below `~/.cache`.
 *
 * Source: libvirt `remoteGetUNIXSocket`, `virGetUserRuntimeDirectory`.
 * @throws {HostdevError} `HD_INVALID_ARGUMENT` for root, whose clients look elsewhere.
 */
export function defaultSocketPath(host: Host): string {
  if (host.self.uid === 0) {
    const details = { argument: "--socket", value: "", expected: "a path, or run it as an ordinary user" };
    throw new HostdevError(
      "HD_INVALID_ARGUMENT",
      "Cannot serve a session of root: its clients look for no socket",
      details,
    );
  }
  const runtime = host.environment("XDG_RUNTIME_DIR");
  const home = host.environment("HOME") ?? "/nonexistent";
  const folder = runtime || host.environment("XDG_CACHE_HOME") || `${home}/.cache`;
  return `${folder}/libvirt/virtqemud-sock`;
}

/**
 * The socket that systemd opened for this process, if it did.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
 */
export function handedSocket(host: Host): DaemonSocket | undefined {
  const isOurs = host.environment("LISTEN_PID") === String(host.self.pid);
  const count = Number(host.environment("LISTEN_FDS") ?? 0);
  return isOurs && count >= 1 ? { fd: firstFd } : undefined;
}

/**
 * Makes way for a socket: its folder, and away with one that nobody listens on.
 *
 * Needs: that no second daemon does the same meanwhile (the session's lock).
 * @throws {HostdevError} `HD_FILE` when somebody listens there, or something else than our socket is in the way.
 */
export async function clearSocketPath(host: Host, path: string): Promise<void> {
  const refuse = (errno: string, state: string): never => {
    throw new HostdevError("HD_FILE", `Cannot listen on ${path}: ${state}`, { path, operation: "listen on", errno });
  };
  if (new TextEncoder().encode(path).length > maxPathBytes) refuse("ENAMETOOLONG", "the path is too long for a socket");
  host.makeDirectory(dirname(path), 0o700);
  const status = host.status(path);
  if (status === undefined) return;
  if (status.kind !== "socket") refuse("EEXIST", "something that is no socket is there");
  if (status.uid !== host.self.uid) refuse("EPERM", `it belongs to uid ${status.uid}`);
  const stream = await host.connect(path);
  if (stream !== undefined) {
    stream.destroy();
    refuse("EADDRINUSE", "another daemon serves it");
  }
  host.removeFile(path);
}
