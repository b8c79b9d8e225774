// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyCodeSet } from "./key-codes.ts";

const qnum = (set: number, code: number) => keyCodeSet(set)?.toQnum(code);

test("keyCodeSet() knows the same keys by the numbers of Linux, of scan codes and of USB", () => {
  assert.deepEqual([qnum(0, 30), qnum(1, 30), qnum(7, 4), qnum(9, 30)], [30, 30, 30, 30]); // A
  assert.deepEqual([qnum(0, 111), qnum(7, 76), qnum(9, 211)], [211, 211, 211]); // Delete, the one behind an E0
  assert.deepEqual([qnum(0, 87), qnum(7, 68), qnum(2, 87)], [87, 87, 87]); // F11
});

test("keyCodeSet() refuses numbers that are no keys, and sets that it does not know", () => {
  assert.deepEqual([qnum(0, 300), qnum(1, 97), qnum(1, 999), qnum(7, 1), qnum(9, 256)], Array(5).fill(undefined));
  assert.equal(keyCodeSet(5), undefined);
});
