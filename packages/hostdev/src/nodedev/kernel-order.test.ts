// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { inKernelOrder } from "./kernel-order.ts";

test("inKernelOrder() gives the orders seen on Linux 6.12", () => {
  const seen = [
    ["0000:03:00.0", "0000:04:02.0", "0000:04:01.0", "0000:04:03.0"],
    ["0000:00:08.0", "0000:0b:00.0", "0000:0a:00.0", "0000:00:08.1"],
    ["0000:08:00.0", "0000:07:00.0"],
  ];
  for (const names of seen) assert.deepEqual(inKernelOrder([...names].sort()), names);
});
