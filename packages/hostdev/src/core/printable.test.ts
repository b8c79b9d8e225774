// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { printable } from "./printable.ts";

test("printable() leaves ordinary text alone, in any language", () => {
  for (const text of ["nic-guest", "Größe 4 GiB", "日本語", 'a "quoted" \\ name', ""])
    assert.equal(printable(text), text);
});

test("printable() disarms what a terminal would obey", () => {
  assert.equal(printable("a\x1b[2J\x1b]0;title\x07b"), "a\\x1b[2J\\x1b]0;title\\x07b");
  assert.equal(printable("x\nhostdev-admin: all is well"), "x\\x0ahostdev-admin: all is well");
  assert.equal(printable("\x9b2J\u202egnp.exe"), "\\x9b2J\\u202egnp.exe");
});
