// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextRound } from "node:timers/promises";
import { inTurn } from "./turns.ts";

test("inTurn() does one job in each round of the event loop, in the order of asking", async () => {
  const done: string[] = [];
  for (const name of ["a", "b", "c"]) inTurn(() => done.push(name));
  assert.deepEqual(done, ["a"]);
  await nextRound();
  assert.deepEqual(done, ["a", "b"]);
  inTurn(() => done.push("d"));
  await nextRound();
  assert.deepEqual(done, ["a", "b", "c"]);
  await nextRound();
  await nextRound();
  inTurn(() => done.push("e"));
  assert.deepEqual(done, ["a", "b", "c", "d", "e"]);
});
