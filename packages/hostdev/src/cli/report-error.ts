// SPDX-License-Identifier: Apache-2.0
import { exitStatus } from "../core/error-category.ts";
import { causesOf, type HostdevError, toHostdevError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { type Output, printJson } from "./context.ts";
import { paint } from "./table.ts";

/**
 * Tells the user what went wrong, once: the message, its causes, the next step, the code.
 *
 * @returns the exit status of the error's category.
 */
export function reportError(thrown: unknown, program: string, isJson: boolean, output: Output): number {
  const error = toHostdevError(thrown);
  if (isJson) printJson(output, { version: 1, error: error.toJSON() });
  else output.warn(formatError(error, program, output));
  if (error.code === "HD_INTERNAL" && error.cause instanceof Error) output.warn(`${error.cause.stack ?? ""}\n`);
  return exitStatus[error.category];
}

function formatError(error: HostdevError, program: string, output: Output): string {
  const lines = [
    `${paint(output, "red", `${program}:`)} ${linesOf(error.message)}`,
    ...causesOf(error).map((cause) => `  cause: ${linesOf(cause)}`),
    ...(error.hint === undefined ? [] : [`  hint: ${printable(error.hint)}`]),
    `  code: ${error.code}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** A text of several lines, such as what QEMU said, keeps them. */
function linesOf(text: string): string {
  return text.split("\n").map(printable).join("\n");
}
