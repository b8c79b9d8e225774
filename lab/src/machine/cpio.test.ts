// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { cpioArchive } from "./cpio.ts";

test("cpioArchive() writes newc headers, padded to four bytes", () => {
  const archive = cpioArchive([{ path: "a", mode: 0o100644, content: Buffer.from("hello") }]).toString("latin1");
  assert.equal(archive.slice(0, 6), "070701");
  assert.equal(archive.slice(14, 22), "000081a4", "mode");
  assert.equal(archive.slice(54, 62), "00000005", "size");
  assert.equal(archive.slice(94, 102), "00000002", "length of the name with its end");
  assert.equal(archive.slice(110, 112), "a\0");
  assert.equal(archive.slice(112, 117), "hello");
  assert.equal(archive.slice(120, 126), "070701", "the trailer starts on a multiple of four");
  assert.ok(archive.includes("TRAILER!!!"));
});
