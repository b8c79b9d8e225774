// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";

/** Where a command's words go. */
export interface Output {
  /** To standard output, as it is. */
  readonly print: (text: string) => void;
  /** To standard error, as it is. */
  readonly warn: (text: string) => void;
  /** Characters a line; `undefined` when standard output is no terminal: then nothing is cut. */
  readonly width: number | undefined;
  /** Whether colours may be used on standard output. */
  readonly hasColour: boolean;
}

/** Everything a command may touch. */
export interface Context {
  readonly host: Host;
  readonly output: Output;
  /** Sets the exit status of a command that did its work, but found problems (`check`), or whose VM ended badly. */
  readonly setExitStatus: (status: number) => void;
}

/** Output to this process's own standard streams. Colours follow `NO_COLOR` and `FORCE_COLOR`. */
export function processOutput(): Output {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) stream.on("error", ignoreClosedPipe);
  return {
    print: (text) => void stdout.write(text),
    warn: (text) => void stderr.write(text),
    width: stdout.isTTY ? stdout.columns : undefined,
    hasColour: Boolean(process.env["FORCE_COLOR"]) || (stdout.isTTY === true && !process.env["NO_COLOR"]),
  };
}

/**
 * Who reads may stop early (`hostdev devices | head -3`). The program goes on to its end without a word: it may be in the
 * middle of a grant.
 */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

/** Prints a value as indented JSON, in which every character that could steer a terminal is escaped. */
export function printJson({ print }: Output, value: object): void {
  const text = JSON.stringify(value, undefined, 2).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  print(`${text}\n`);
}
