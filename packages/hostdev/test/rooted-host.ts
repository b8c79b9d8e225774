// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../src/core/host.ts";
import { realHost } from "../src/core/real-host.ts";

/**
 * The real machine's files, but those below another root: for trees of sysfs that are made up, and read for real. Links
 * in them must be relative, as sysfs's own are.
 */
export function rootedHost(root: string, uid = 1000): Host {
  const host = realHost();
  const below = (path: string) => root + path;
  return {
    ...host,
    self: { ...host.self, uid, gid: uid, groups: [uid] },
    readText: (path) => host.readText(below(path)),
    readBytes: (path, maxBytes) => host.readBytes(below(path), maxBytes),
    readLink: (path) => host.readLink(below(path)),
    realPath: (path) => host.realPath(below(path))?.slice(root.length),
    list: (path) => host.list(below(path)),
    status: (path) => host.status(below(path)),
    canAccess: (path, wanted) => host.canAccess(below(path), wanted),
    tryOpen: (path, how) => host.tryOpen(below(path), how),
  };
}
