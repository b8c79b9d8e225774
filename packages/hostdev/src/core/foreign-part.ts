// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from "node:path";
import type { FileStatus, Host, Ownership } from "./host.ts";

/** A part of a path that somebody other than root can change, and who. */
export interface ForeignPart extends Ownership {
  readonly path: string;
}

/** What a path leads to, and the first part on the way there that is not only root's to write. */
export interface Trail {
  /** With all links resolved, as far as there is something. */
  readonly realPath: string;
  readonly foreign: ForeignPart | undefined;
}

/** As many links as the kernel follows in one path (path_resolution(7)). */
const maxLinks = 40;

/**
 * Follows a path from `/` on, as the kernel does, and looks at all that it leads through: each folder, each link and what
 * that leads through, and the file. Who may write to one of them can put something else in its place.
 *
 * Touches: reads their status. Needs: nothing, where all may search the folders.
 * @param path absolute. What is not there ends the way: nobody can change that without changing its folder.
 */
export function followPath(host: Host, path: string): Trail {
  const left = path.split("/");
  let realPath = "/";
  let links = 0;
  const root = foreignPart("/", host.status("/"));
  if (root !== undefined) return { realPath, foreign: root };
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      realPath = dirname(realPath);
      continue;
    }
    const next = join(realPath, name);
    const status = host.status(next);
    const foreign = foreignPart(next, status);
    if (status === undefined || foreign !== undefined) return { realPath, foreign };
    if (status.kind !== "symlink") {
      realPath = next;
      continue;
    }
    links += 1;
    if (links > maxLinks) break;
    const target = host.readLink(next) ?? "";
    if (target.startsWith("/")) realPath = "/";
    left.unshift(...target.split("/"));
  }
  return { realPath, foreign: undefined };
}

/**
 * Whether somebody other than root can change it: its owner, its group, all. The group's bits are also the mask of an access
 * list. What is in a folder with the sticky bit can be replaced by its owner only, and a link's own bits say nothing. Pure.
 */
export function foreignPart(path: string, status: FileStatus | undefined): ForeignPart | undefined {
  if (status === undefined) return undefined;
  const { kind, uid, gid, mode } = status;
  const isShared = kind !== "symlink" && (mode & 0o022) !== 0 && !(kind === "directory" && (mode & 0o1000) !== 0);
  return uid !== 0 || isShared ? { path, uid, gid, mode } : undefined;
}
