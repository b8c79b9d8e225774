// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

/** Where a user's session keeps what. Every name below these folders is a uuid or a number, never a text of the XML. */
export interface SessionPaths {
  /** `UUID.xml`: the definitions of persistent domains. */
  readonly definitions: string;
  /** `UUID`: marks of domains that start by themselves. */
  readonly autostart: string;
  /** `UUID.xml`: the definitions of persistent storage pools. */
  readonly pools: string;
  /** `UUID`: marks of storage pools that start by themselves. */
  readonly poolAutostart: string;
  /** `UUID.xml`: the storage pools that are active. */
  readonly activePools: string;
  /** `UUID.log`: what QEMU said since the last start. */
  readonly logs: string;
  /** Everything that ends with the login session, or the boot. */
  readonly runtime: string;
  /** `UUID.json`: the running domains. */
  readonly status: string;
}

/**
 * The folders of the caller's session, by the XDG base directory specification. Makes the runtime folder.
 *
 * @throws {HostdevError} `HD_FILE`.
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function sessionPaths(host: Host): SessionPaths {
  const config = `${xdgDirectory(host, "XDG_CONFIG_HOME", ".config")}/hostdev`;
  const runtime = runtimeDirectory(host);
  return {
    definitions: `${config}/domains`,
    autostart: `${config}/autostart`,
    pools: `${config}/pools`,
    poolAutostart: `${config}/pool-autostart`,
    activePools: `${runtime}/pools`,
    logs: `${xdgDirectory(host, "XDG_CACHE_HOME", ".cache")}/hostdev/log`,
    runtime,
    status: `${runtime}/status`,
  };
}

/** What a domain keeps over its runs beside its disks: the secrets of its TPM. */
export function stateDirectory(host: Host, uuid: string): string {
  return `${xdgDirectory(host, "XDG_CONFIG_HOME", ".config")}/hostdev/state/${uuid}`;
}

/** A base directory; the specification says to take relative ones as absent. */
function xdgDirectory(host: Host, variable: string, usual: string): string {
  const value = host.environment(variable);
  if (value?.startsWith("/")) return value;
  return `${host.environment("HOME") ?? "/nonexistent"}/${usual}`;
}

/** The longest path that a unix socket can have; `sun_path` has 108 bytes with the zero at its end. */
const maxSocketPathBytes = 107;
/** The longest name that a socket of ours has in a VM's folder. */
const longestName = "/org.qemu.guest_agent.0.sock";

/**
 * The folder of one run of a domain, made anew and empty, mode 0700. Its name is short: paths of sockets are.
 *
 * @throws {HostdevError} `HD_FILE`, also when the runtime folder's path is too long for sockets in it.
 */
export function makeRunDirectory(host: Host, { runtime }: SessionPaths, id: number, uuid: string): string {
  const path = `${runtime}/${id}-${uuid.slice(0, 8)}`;
  if (Buffer.byteLength(path + longestName) > maxSocketPathBytes) {
    const message = `Cannot use ${runtime} for sockets: its path is too long (set XDG_RUNTIME_DIR)`;
    throw new HostdevError("HD_FILE", message, { path: runtime, operation: "use", errno: "ENAMETOOLONG" });
  }
  removeRunDirectory(host, path);
  host.makeDirectory(path, 0o700);
  return path;
}

/** Removes a folder of `makeRunDirectory` with the files in it; absent is fine. */
export function removeRunDirectory(host: Host, path: string): void {
  for (const file of host.list(path) ?? []) host.removeFile(`${path}/${file}`);
  host.removeDirectory(path);
}
