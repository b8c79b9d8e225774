// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB, MiB } from "../core/units.ts";
import { defaultMemoryBytes, memoryBudget } from "./budget.ts";

test("memoryBudget() leaves the larger of 2 GiB and 10 %, or what is said", () => {
  assert.equal(memoryBudget(8 * GiB), 6 * GiB);
  assert.equal(memoryBudget(20 * GiB), 18 * GiB);
  assert.equal(memoryBudget(100 * GiB), 90 * GiB);
  assert.equal(memoryBudget(1 * GiB), 0);
  assert.equal(memoryBudget(1 * GiB, 256 * MiB), 768 * MiB);
});

test("defaultMemoryBytes() is 4 GiB, or half of what there is to lend", () => {
  assert.equal(defaultMemoryBytes(Number.POSITIVE_INFINITY), 4 * GiB);
  assert.equal(defaultMemoryBytes(6 * GiB), 3 * GiB);
  assert.equal(defaultMemoryBytes(0), 256 * MiB);
});
