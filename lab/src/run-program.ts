// SPDX-License-Identifier: Apache-2.0

import { spawn } from "node:child_process";

/** How a host program ended. */
export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What to do with a host program's output while it runs. */
export interface ProgramOptions {
  /** Called for every line of stdout and stderr, without its newline. */
  readonly onLine?: (line: string) => void;
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program of the host without a shell and waits for its end.
 *
 * Needs: nothing. A program that cannot be started gives code 127 and its reason in `stderr`.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    const forward = lineSplitter(options.onLine);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      forward(text);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      forward(text);
    });
    child.on("error", (error) => resolve({ code: 127, stdout, stderr: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
  });
}

/** Collects pieces of text and gives out whole lines. */
export function lineSplitter(onLine: ((line: string) => void) | undefined): (text: string) => void {
  let pending = "";
  return (text) => {
    if (onLine === undefined) return;
    const lines = (pending + text).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  };
}
