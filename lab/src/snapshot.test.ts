// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { diffSnapshots, parseSnapshot } from "./snapshot.ts";

const before = parseSnapshot(
  "pci/a/driver\te1000e\nmodule/x\tloaded\nprocess/alex/bash\t8 8\nprocess/alex/bash\t8 8\n",
);

test("parseSnapshot() merges repeated keys", () => {
  assert.equal(before.get("process/alex/bash"), "8 8");
  assert.equal(parseSnapshot("k\tb\nk\ta\n").get("k"), "a, b");
});

test("diffSnapshots() finds nothing between equal snapshots", () => {
  assert.deepEqual(diffSnapshots(before, new Map(before)), []);
});

test("diffSnapshots() names what changed, came and went", () => {
  const after = parseSnapshot("pci/a/driver\tvfio-pci\nnode/dev/vfio/1\tc 600 root:root\n");
  assert.deepEqual(diffSnapshots(before, after), [
    "module/x is gone, was: loaded",
    "node/dev/vfio/1 appeared: c 600 root:root",
    'pci/a/driver changed from "e1000e" to "vfio-pci"',
  ]);
});

test("diffSnapshots() leaves out what is to be ignored, and processes that came or went", () => {
  assert.deepEqual(diffSnapshots(before, parseSnapshot("pci/a/driver\te1000e\n"), [/^module\//]), []);
});
