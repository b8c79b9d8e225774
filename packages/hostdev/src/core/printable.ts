// SPDX-License-Identifier: Apache-2.0

/** Control characters of both ranges, and those that turn the direction of writing or break lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Makes a text that somebody else chose (the name of a process, of a VM) fit for an administrator's terminal: what
 * would move the cursor, change colours or forge another line becomes `\x1b`-like text. Pure.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });
}
