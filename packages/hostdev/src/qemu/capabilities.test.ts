// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilitiesOf, isAtLeast, parseQemuVersion } from "./capabilities.ts";

test("parseQemuVersion() reads versions and QEMU's own words", () => {
  assert.deepEqual(parseQemuVersion("7.2"), { major: 7, minor: 2 });
  assert.deepEqual(parseQemuVersion("10.0.3"), { major: 10, minor: 0 });
  assert.deepEqual(parseQemuVersion("QEMU emulator version 8.1.2 (Debian 1:8.1.2)"), { major: 8, minor: 1 });
});

test("parseQemuVersion() refuses what is none, or too old", () => {
  for (const text of ["", "new", "6.1", "2.12"])
    assert.throws(() => parseQemuVersion(text), /as a version of QEMU/, text);
});

test("capabilitiesOf() knows when things came", () => {
  assert.equal(capabilitiesOf({ major: 9, minor: 1 }).reconnectMs, false);
  assert.equal(capabilitiesOf({ major: 9, minor: 2 }).reconnectMs, true);
  assert.equal(isAtLeast({ major: 10, minor: 0 }, { major: 9, minor: 2 }), true);
});
