// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, median } from "./bench.ts";

test("median() takes the middle, or the mean of the middle two", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([7]), 7);
  assert.ok(Number.isNaN(median([])));
});

test("compare() does both in turns, once more than it times them", async () => {
  const done: string[] = [];
  const row = await compare({
    what: "nothing",
    peerName: "sleeping",
    ours: () => void done.push("ours"),
    peer: async () => {
      done.push("peer");
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
    rounds: 3,
  });
  assert.equal(done.join(" "), "ours peer ours peer ours peer ours peer");
  assert.ok(row.ours < row.peer && row.peer > 3, JSON.stringify(row));
});
