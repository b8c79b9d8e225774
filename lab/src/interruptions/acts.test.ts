// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeMoment, everyMoment, oneOfEachStep, parseActs } from "./acts.ts";

const log = `1 fork 
2 mkdir /var/lib/hostdev
3 write /var/lib/hostdev/grants/x
4 fork 
4 told   [1/2] load the module vfio-pci: done
5 fork 
6 send vfio-pci
7 fork 
8 send 0000:01:00.0
8 told   [2/2] bind 0000:01:00.0: e1000e -> vfio-pci
9 fsync /var/lib/hostdev/grants/x
`;

test("parseActs() numbers the acts and tells in which step each comes", () => {
  const { acts, steps } = parseActs(log);
  assert.equal(steps, 2);
  assert.deepEqual(
    acts.map(({ number, step }) => [number, step]),
    [1, 2, 3, 4]
      .map((n) => [n, 1])
      .concat(
        [5, 6, 7, 8].map((n) => [n, 2]),
        [[9, 3]],
      ),
  );
});

test("oneOfEachStep() kills once in every step, preferably with a value on its way", () => {
  assert.deepEqual(oneOfEachStep(parseActs(log).acts).map(describeMoment), [
    "step 1, act 3: before write /var/lib/hostdev/grants/x",
    "step 2, act 8: after send 0000:01:00.0",
    "step 3, act 9: before fsync /var/lib/hostdev/grants/x",
  ]);
});

test("everyMoment() has every act, and twice what hands something over", () => {
  const moments = everyMoment(parseActs(log).acts);
  assert.equal(moments.length, 9 + 6);
  assert.deepEqual(
    moments.slice(0, 2).map(({ when }) => when),
    ["before", "after"],
  );
});
