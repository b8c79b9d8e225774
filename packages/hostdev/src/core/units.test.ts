// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHostdevError } from "./errors.ts";
import { formatSize, GiB, KiB, MiB, parseSize } from "./units.ts";

test("parseSize() takes binary and decimal units, and MiB without one", () => {
  assert.equal(parseSize("256MiB", "--memory"), 256 * MiB);
  assert.equal(parseSize("256", "--memory"), 256 * MiB);
  assert.equal(parseSize("4g", "--memory"), 4 * GiB);
  assert.equal(parseSize("1.5 GiB", "--memory"), 1.5 * GiB);
  assert.equal(parseSize("2GB", "--memory"), 2_000_000_000);
});

test("parseSize() refuses zero, negative, unknown units, and nothing", () => {
  for (const text of ["0", "-1", "4 parsecs", "", "MiB", "1e9", "99999999TiB", "0x10"]) {
    assert.throws(
      () => parseSize(text, "--memory"),
      (error) => isHostdevError(error, "HD_INVALID_ARGUMENT") && error.message.includes("--memory"),
      text,
    );
  }
});

test("parseSize() never throws anything but a HostdevError", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        return parseSize(text, "x") > 0;
      } catch (error) {
        return isHostdevError(error);
      }
    }),
  );
});

test("formatSize() takes the largest unit that says it exactly in few digits, or rounds", () => {
  assert.equal(formatSize(8 * MiB), "8 MiB");
  assert.equal(formatSize(1280 * MiB), "1.25 GiB");
  assert.equal(formatSize(65600 * KiB), "64.1 MiB");
  assert.equal(formatSize(21919540 * KiB), "20.9 GiB");
  assert.equal(formatSize(64 * KiB), "64 KiB");
  assert.equal(formatSize(0), "0 bytes");
  assert.equal(formatSize(100), "100 bytes");
});
