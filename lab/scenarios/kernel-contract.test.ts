// SPDX-License-Identifier: Apache-2.0

/*
 * The unit tests run on a model of the kernel. What that model rests on is written down as tests, too, and here the real
 * kernel takes them: where it fails one, the model is wrong.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { runKernelContract } from "../src/contract/kernel-contract.ts";
import { startLab } from "../src/lab.ts";
import { fullZoo } from "../src/machine/zoo.ts";
import { diffSnapshots, takeSnapshot } from "../src/snapshot.ts";

test("the kernel keeps the contract that the unit tests rest on", async (t) => {
  const lab = await startLab({ topology: fullZoo });
  t.after(() => lab.stop());
  await lab.root("modprobe -a vfio-pci pci-stub igbvf", { check: true });
  const before = await takeSnapshot(lab);
  const reports = await runKernelContract(lab);
  assert.ok(reports.length > 0);
  for (const { name, ms, failure } of reports) {
    await t.test(`${name} (${ms} ms)`, () => assert.ok(failure === undefined, failure));
  }
  await t.test("everything is as it was before", async () => {
    assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  });
});
