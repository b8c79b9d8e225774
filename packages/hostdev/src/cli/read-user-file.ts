// SPDX-License-Identifier: Apache-2.0
import { fileError } from "../core/errno.ts";
import type { Host } from "../core/host.ts";

/**
 * Reads a file that the user named; `-` is standard input.
 *
 * @throws {HostdevError} `HD_FILE`.
 */
export function readUserFile(host: Host, file: string): string {
  const text = host.readText(file === "-" ? "/dev/stdin" : file);
  if (text === undefined) throw fileError("read", file, "ENOENT");
  return text;
}
