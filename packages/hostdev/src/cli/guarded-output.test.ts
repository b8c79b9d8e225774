// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { printJson } from "./context.ts";
import { guardedOutput } from "./guarded-output.ts";

function collect(hasColour: boolean) {
  const printed: string[] = [];
  const output = guardedOutput({
    print: (text) => printed.push(text),
    warn: (text) => printed.push(text),
    width: 80,
    hasColour,
  });
  return { output, printed };
}

test("guardedOutput() lets lines and tabs through, and colours only where they are allowed", () => {
  const { output, printed } = collect(true);
  output.print("a\tb\n\u001b[32mgreen\u001b[39m\n");
  output.warn("raw terminal\r\n");
  const plain = collect(false);
  plain.output.print("\u001b[32mgreen");
  assert.deepEqual(printed, ["a\tb\n\u001b[32mgreen\u001b[39m\n", "raw terminal\r\n"]);
  assert.deepEqual(plain.printed, ["?green"]);
});

test("guardedOutput() lets nothing through that steers a terminal", () => {
  for (const hasColour of [true, false]) {
    const { output, printed } = collect(hasColour);
    output.print("\u001b[2J\u001b]0;title\u0007\u009b31m\u001bPq\u001b\\ \rover \b\u007f\u0000");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(printed.join(""), /[\u0000-\u001f\u007f-\u009f]/);
  }
});

test("printJson() escapes what JSON allows and terminals obey, and the value stays the same", () => {
  const { output, printed } = collect(false);
  const value = { name: "\u009b31m\u202e\u007f\u001b[2J\n" };
  printJson(output, value);
  assert.match(printed.join(""), /^[\n -~]*$/);
  assert.deepEqual(JSON.parse(printed.join("")), value);
});
