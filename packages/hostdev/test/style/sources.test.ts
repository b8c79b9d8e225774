// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSources } from "./source-tree.ts";

test("sources: every file names its licence in the first lines", () => {
  const without = readSources().filter(
    ({ text }) => !text.split("\n", 2).includes("// SPDX-License-Identifier: Apache-2.0"),
  );
  assert.deepEqual(
    without.map(({ path }) => path),
    [],
  );
});

test("sources: every exported function, class and constant has a docstring", () => {
  const missing = readSources().flatMap(({ path, text }) => {
    const lines = text.split("\n");
    return lines.flatMap((line, index) => {
      const name = /^export (?:async )?(?:function|class|const|abstract class) (\w+)/.exec(line)?.[1];
      const isDocumented = /\*\/\s*$/.test(lines[index - 1] ?? "") || isOverload(lines, index, name);
      return name === undefined || isDocumented ? [] : [`${path}: ${name}`];
    });
  });
  assert.deepEqual(missing, []);
});

/** The second and later signatures of one function, or constants that share the docstring of the first. */
function isOverload(lines: readonly string[], index: number, name: string | undefined): boolean {
  const before = lines[index - 1] ?? "";
  return before.includes(`function ${name}(`) || /^export const \w+ = [^;]*;$/.test(before);
}

test("sources: no file is longer than 300 lines", () => {
  const long = readSources().filter(({ text }) => text.split("\n").length > 301);
  assert.deepEqual(
    long.map(({ path }) => path),
    [],
  );
});
