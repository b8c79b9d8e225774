// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { cNumber, integer, listOf, macAddress, oneOf, uuid, yesNo } from "./values.ts";

test("integer() takes decimal numbers in its range", () => {
  const port = integer(1, 65535);
  assert.equal(port.parse("80"), 80);
  for (const text of ["0", "65536", "-1", "8x", "", "0x50", "1e3", "1.5"])
    assert.equal(port.parse(text), undefined, text);
  assert.equal(port.expected, "a whole number from 1 to 65535");
});

test("cNumber() takes C's notation and writes hexadecimal", () => {
  const slot = cNumber(0, 0x1f, 2);
  assert.deepEqual(["31", "0x1f", "037", "0X1F"].map(slot.parse), [31, 31, 31, 31]);
  for (const text of ["32", "0x20", "-1", "1f", "08"]) assert.equal(slot.parse(text), undefined, text);
  assert.equal(slot.format(5), "0x05");
});

test("uuid() takes UUIDs with and without dashes", () => {
  const written = "61288c03-0b0d-4f1e-9496-0f0256f2e013";
  assert.equal(uuid.parse(written.toUpperCase()), written);
  assert.equal(uuid.parse(written.replaceAll("-", "")), written);
  assert.equal(uuid.parse("61288c03"), undefined);
});

test("macAddress() takes six pairs of digits", () => {
  assert.equal(macAddress.parse("52:54:00:AA:bb:01"), "52:54:00:aa:bb:01");
  assert.equal(macAddress.parse("52:54:00:aa:bb"), undefined);
});

test("oneOf() and yesNo() take their words only", () => {
  assert.equal(oneOf("file", "block").parse("block"), "block");
  assert.equal(oneOf("file", "block").parse("constructor"), undefined);
  assert.equal(yesNo.parse("no"), false);
  assert.equal(yesNo.parse("on"), undefined);
});

test("listOf() joins with or", () => {
  assert.deepEqual(
    [listOf([]), listOf(["a"]), listOf(["a", "b"]), listOf(["a", "b", "c"])],
    ["nothing", "a", "a or b", "a, b or c"],
  );
});
