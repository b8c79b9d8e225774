// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/** A VM's own folder, for its sockets. */
export interface VmDirectory {
  readonly path: string;
  /** Removes the folder with everything that QEMU and we left in it. */
  readonly remove: () => void;
}

/**
 * Makes a folder for one run of a VM. Its name is short: the path of a socket has at most 107 bytes.
 *
 * @throws {HostdevError} `HD_FILE`.
 */
export function vmDirectory(host: Host, name: string): VmDirectory {
  const path = `${runtimeDirectory(host)}/${[...name].slice(0, 20).join("")}-${host.self.pid}`;
  host.makeDirectory(path, 0o700);
  const remove = () => {
    for (const file of host.list(path) ?? []) host.removeFile(`${path}/${file}`);
    host.removeDirectory(path);
  };
  return { path, remove };
}

/**
 * The caller's own folder for sockets and the state of running VMs, made when missing, mode 0700.
 *
 * `$XDG_RUNTIME_DIR/hostdev`, or without a login session `~/.cache/hostdev/run`, as libvirt falls back.
 *
 * @throws {HostdevError} `HD_FILE`, also when the folder is somebody else's.
 */
export function runtimeDirectory(host: Host): string {
  const runtime = host.environment("XDG_RUNTIME_DIR");
  const cache = host.environment("XDG_CACHE_HOME") ?? `${host.environment("HOME") ?? "/nonexistent"}/.cache`;
  const path =
    runtime !== undefined && host.canAccess(runtime, "read-write") ? `${runtime}/hostdev` : `${cache}/hostdev/run`;
  host.makeDirectory(path, 0o700);
  const status = host.status(path);
  if (status?.kind === "directory" && status.uid === host.self.uid) return path;
  const details = { path, operation: "use", errno: "EPERM" };
  throw new HostdevError("HD_FILE", `Cannot use ${path}: it is not a folder of yours`, details);
}
