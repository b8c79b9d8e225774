// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeSet, ranges } from "./node-set.ts";

test("nodeSet() reads ranges and exceptions", () => {
  assert.deepEqual(nodeSet.parse("0-3,^2,8"), [0, 1, 3, 8]);
  assert.equal(nodeSet.format([0, 1, 3, 8]), "0-1,3,8");
});

test("nodeSet() refuses sets that are empty or malformed", () => {
  for (const text of ["", "0,^0", "3-1", "a", "1-", "-1", "^1-2", "99999"])
    assert.equal(nodeSet.parse(text), undefined, text);
});

test("ranges() finds the runs", () => {
  assert.deepEqual(ranges([1, 2, 3, 5, 7, 8]), [
    [1, 3],
    [5, 5],
    [7, 8],
  ]);
});
