// SPDX-License-Identifier: Apache-2.0
import { runProgram } from "../src/cli/run-program.ts";
import { userProgram } from "../src/cli/user-program.ts";
import type { Host } from "../src/core/host.ts";

/** What a command line printed, and its exit status. */
export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/** Runs `hostdev` with these words on a host. `width`: as on a terminal this wide. */
export async function runHostdev(
  host: Host,
  words: readonly string[],
  { width, hasColour = false }: { readonly width?: number; readonly hasColour?: boolean } = {},
): Promise<Ran> {
  let stdout = "";
  let stderr = "";
  const print = (text: string) => {
    stdout += text;
  };
  const warn = (text: string) => {
    stderr += text;
  };
  const status = await runProgram(userProgram, words, host, { print, warn, width, hasColour });
  return { stdout, stderr, status };
}
