// SPDX-License-Identifier: Apache-2.0
import type { Output } from "./context.ts";

/**
 * An output through which no text can steer a terminal: of control characters only line ends, tabs and, where colours
 * are allowed, colours get out; the others become `?`. What names and paths of other people's are made fit for a line
 * by (`core/printable.ts`) is where texts are made; this is the wall behind it, for all that a program ever prints.
 */
export function guardedOutput(output: Output): Output {
  const guard = (text: string) => text.replace(steering, (found) => (isAllowed(found, output.hasColour) ? found : "?"));
  return {
    ...output,
    print: (text) => output.print(guard(text)),
    warn: (text) => output.warn(guard(text)),
  };
}

// A whole colour sequence (ECMA-48, 8.3.117: SGR), a line end, or one control character other than newline and tab.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const steering = /\u001b\[[\d;]*m|\r\n|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

function isAllowed(found: string, hasColour: boolean): boolean {
  return found === "\r\n" || (hasColour && found.length > 1);
}
