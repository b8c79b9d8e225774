// SPDX-License-Identifier: Apache-2.0
import { dirname } from "node:path";
import { HostdevError } from "../core/errors.ts";
import { type ForeignPart, followPath, foreignPart } from "../core/foreign-part.ts";
import type { Host } from "../core/host.ts";

/** A part of this program that is not only root's to write. */
export interface ForeignProgram {
  readonly part: ForeignPart;
  /** The interpreter, or the script. */
  readonly word: string;
  /** The folder that has the program; `null` when it is the interpreter that is wrong. */
  readonly folder: string | null;
}

/**
 * Finds the first part of this program that somebody other than root could change: Node, the script, what the script loads
 * from beside it, and every folder and link on the way to them. Units run it as root, so that he would be root with the next
 * boot or lease.
 *
 * Touches: reads status and names in the program's folder. Needs: nothing, where all may search the folders.
 */
export function findForeignProgram(host: Host): ForeignProgram | undefined {
  const [interpreter, script] = host.self.program;
  for (const word of [interpreter, script]) {
    if (word === undefined) continue;
    const { foreign } = followPath(host, word);
    const folder = word === script ? dirname(host.realPath(word) ?? word) : null;
    const part = foreign ?? (folder === null ? undefined : findForeignModule(host, folder));
    if (part !== undefined) return { part, word, folder };
  }
  return undefined;
}

/** Of what a program can load from its folder, also by links; other files there are none of its business. */
function findForeignModule(host: Host, folder: string, seen = new Set<string>()): ForeignPart | undefined {
  if (seen.has(folder)) return undefined;
  seen.add(folder);
  for (const name of [...(host.list(folder) ?? [])].sort()) {
    const path = `${folder}/${name}`;
    const status = host.status(path);
    if (status?.kind === "file" && !/\.([cm]?js|json)$/.test(name)) continue;
    const trail = status?.kind === "symlink" ? followPath(host, path) : { realPath: path, foreign: undefined };
    const isFolder = host.status(trail.realPath)?.kind === "directory";
    const part =
      trail.foreign ??
      foreignPart(path, status) ??
      (isFolder ? findForeignModule(host, trail.realPath, seen) : undefined);
    if (part !== undefined) return part;
  }
  return undefined;
}

/** The error for units that would run it. @param act what cannot be done, such as `Cannot set up units`. */
export function foreignProgramError(
  act: string,
  { part, word, folder }: ForeignProgram,
): HostdevError<"HD_PROGRAM_WRITABLE"> {
  const { path, uid, gid } = part;
  const mode = part.mode.toString(8).padStart(4, "0");
  const message = `${act}: they would run ${word} as root, and ${path} is not only root's to write (owner ${uid}:${gid}, mode ${mode})`;
  return new HostdevError("HD_PROGRAM_WRITABLE", message, {
    path,
    owner: `${uid}:${gid}`,
    mode,
    program: word,
    folder,
  });
}
