// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { toQemuKey } from "./key-codes.ts";

test("toQemuKey() numbers keys as libvirt does", () => {
  const linux = [1, 29, 56, 83, 84, 85, 88, 96, 97, 99, 103, 111, 119, 125, 127];
  const seen = [1, 29, 56, 83, 84, 0x76, 0x58, 0x9c, 0x9d, 0x54, 0xc8, 0xd3, 0xc6, 0xdb, 0xdd]; // what libvirt 9.0 sends
  assert.deepEqual(
    linux.map((code) => toQemuKey(0, code)),
    seen,
  );
  assert.equal(toQemuKey(9, 0xd3), 0xd3);
  assert.equal(toQemuKey(1, 83), 83);
});

test("toQemuKey() knows no other keys and sets", () => {
  const unknown = [
    [0, 0],
    [0, 128],
    [0, 300],
    [1, 200],
    [9, 256],
    [7, 4],
  ] as const;
  for (const [set, code] of unknown) assert.equal(toQemuKey(set, code), undefined, `${set} ${code}`);
});
