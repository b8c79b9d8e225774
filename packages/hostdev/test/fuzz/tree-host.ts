// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import { fileError } from "../../src/core/errno.ts";
import type { FileStatus, Host } from "../../src/core/host.ts";

/** What is at a path: a file's content, a link, or something that refuses to be read. Folders come by themselves. */
export type Entry = { readonly content: string | Uint8Array } | { readonly link: string } | { readonly errno: string };

/** A machine that is a tree of files and no more, to be read by an ordinary user. What it is asked to do else, it cannot. */
export interface TreeHost extends Host {
  /** Takes everything below a path away once so many more reads of it have been served: a device that is pulled out. */
  vanishAfter(path: string, reads: number): void;
}

/** Makes a host of entries by path. Folders on the way that are links are followed, as the kernel does. */
export function treeHost(entries: ReadonlyMap<string, Entry>): TreeHost {
  const folders = new Map<string, Set<string>>();
  for (const path of entries.keys()) {
    for (let at = path; at !== "/"; at = posix.dirname(at)) {
      const parent = posix.dirname(at);
      folders.set(parent, (folders.get(parent) ?? new Set()).add(posix.basename(at)));
    }
  }
  const vanishing = new Map<string, number>();

  /** The path without links, but for the last part; `undefined` when a link leads nowhere, or it has vanished. */
  function resolve(path: string, followLast: boolean): string | undefined {
    let at = "/";
    const parts = path.split("/").filter((part) => part !== "");
    for (let steps = 0; parts.length > 0; steps++) {
      const next = posix.join(at, parts.shift() ?? "");
      const entry = entries.get(next);
      if (entry !== undefined && "link" in entry && (parts.length > 0 || followLast)) {
        if (steps > 40) return undefined;
        parts.unshift(
          ...posix
            .resolve(at, entry.link)
            .split("/")
            .filter((part) => part !== ""),
        );
        at = "/";
      } else at = next;
    }
    return isGone(at) || (!entries.has(at) && !folders.has(at)) ? undefined : at;
  }

  function isGone(path: string): boolean {
    for (const [folder, left] of vanishing) {
      if (path !== folder && !path.startsWith(`${folder}/`)) continue;
      if (left <= 0) return true;
      vanishing.set(folder, left - 1);
    }
    return false;
  }

  function bytesOf(operation: string, path: string): Uint8Array | undefined {
    const real = resolve(path, true);
    if (real === undefined) return undefined;
    const entry = entries.get(real);
    if (entry === undefined) throw fileError(operation, path, "EISDIR");
    if ("errno" in entry) throw fileError(operation, path, entry.errno);
    if ("link" in entry) return undefined;
    return typeof entry.content === "string" ? new TextEncoder().encode(entry.content) : entry.content;
  }

  function status(path: string): FileStatus | undefined {
    const real = resolve(path, false);
    if (real === undefined) return undefined;
    const entry = entries.get(real);
    const kind = entry === undefined ? "directory" : "link" in entry ? "symlink" : "file";
    const sizeBytes = entry !== undefined && "content" in entry ? entry.content.length : 4096;
    return { kind, mode: 0o644, uid: 0, gid: 0, sizeBytes };
  }

  const cannot = (): never => {
    throw new Error("a tree of files cannot do this");
  };
  return {
    self: { name: "alex", uid: 1000, gid: 1000, groups: [1000], program: ["/usr/bin/hostdev"], pid: 4242 },
    readText: (path) => {
      const bytes = bytesOf("read", path);
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    },
    readBytes: (path, maxBytes) => bytesOf("read", path)?.subarray(0, maxBytes),
    readLink: (path) => {
      const real = resolve(path, false);
      const entry = real === undefined ? undefined : entries.get(real);
      return entry !== undefined && "link" in entry ? entry.link : undefined;
    },
    realPath: (path) => resolve(path, true),
    list: (path) => {
      const real = resolve(path, true);
      const names = real === undefined ? undefined : folders.get(real);
      return names === undefined ? undefined : [...names].filter((name) => !isGone(posix.join(real ?? "", name)));
    },
    status,
    canAccess: (path) => status(path) !== undefined,
    tryOpen: (path) => (status(path) === undefined ? "ENOENT" : "EACCES"),
    openTerminal: cannot,
    writeKernel: cannot,
    writeKernelBytes: cannot,
    listen: cannot,
    canPassConnections: false,
    passConnection: cannot,
    writeFile: cannot,
    appendFile: cannot,
    removeFile: cannot,
    makeDirectory: cannot,
    removeDirectory: cannot,
    setOwnership: cannot,
    lock: cannot,
    run: async () => ({ status: 1, signal: null, stdout: "", stderr: "" }),
    spawn: cannot,
    kill: cannot,
    connect: async () => undefined,
    environment: () => undefined,
    now: () => new Date(0),
    sleep: async () => {},
    vanishAfter: (path, reads) => void vanishing.set(path, reads),
  };
}
