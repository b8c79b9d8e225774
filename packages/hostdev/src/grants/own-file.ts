// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from "node:path";
import type { Host } from "../core/host.ts";

/** The text of a file of ours; `null`: absent. A link is none of ours, and like no text that we write. */
export function readOwnFile(host: Host, path: string): string | null {
  return host.status(path)?.kind === "symlink" ? "" : (host.readText(path) ?? null);
}

/**
 * Brings a file of ours to a text, or takes it away; also what a killed write left beside it. Touches: the file, its
 * folder when that is missing. Needs: root.
 */
export function putOwnFile(host: Host, path: string, text: string | null): void {
  if (text === null) return host.removeFile(path);
  const leftover = `${dirname(path)}/.${basename(path)}.new`;
  if (readOwnFile(host, path) === text && host.status(leftover) === undefined) return;
  host.makeDirectory(dirname(path), 0o755);
  host.writeFile(path, text, 0o644);
}
