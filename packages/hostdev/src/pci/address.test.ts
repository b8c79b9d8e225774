// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isHostdevError } from "../core/errors.ts";
import { formatPciAddress, parsePciAddress, tryParsePciAddress } from "./address.ts";

test("parsePciAddress() takes the kernel's spelling, the short one, and libvirt's name", () => {
  const expected = { domain: 0, bus: 1, device: 0x1f, function: 7 };
  for (const text of ["0000:01:1f.7", "01:1f.7", "pci_0000_01_1f_7", "0000:01:1F.7"]) {
    assert.deepEqual(parsePciAddress(text), expected, text);
  }
  assert.equal(parsePciAddress("10000:e1:00.0").domain, 0x10000);
});

test("parsePciAddress() refuses function 8, device 32, and everything else", () => {
  for (const text of [
    "00:00.8",
    "00:20.0",
    "1:00.0",
    "0000:01:00",
    "",
    "../01:00.0",
    "01:00.0 ",
    "01:00.0\n",
    "x01:00.0",
  ]) {
    assert.throws(
      () => parsePciAddress(text),
      (error) => isHostdevError(error, "HD_INVALID_ADDRESS"),
      JSON.stringify(text),
    );
  }
});

test("formatPciAddress() is read back as the same address", () => {
  const address = fc.record({
    domain: fc.integer({ min: 0, max: 0xffffffff }),
    bus: fc.integer({ min: 0, max: 255 }),
    device: fc.integer({ min: 0, max: 31 }),
    function: fc.integer({ min: 0, max: 7 }),
  });
  fc.assert(fc.property(address, (value) => assert.deepEqual(parsePciAddress(formatPciAddress(value)), { ...value })));
});

test("tryParsePciAddress() never lets a path through", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const address = tryParsePciAddress(text);
      return address === undefined || /^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/.test(formatPciAddress(address));
    }),
  );
});
