// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { causesOf, HostdevError, isHostdevError, toHostdevError } from "./errors.ts";

const notFound = () => new HostdevError("HD_USER_NOT_FOUND", 'There is no user "x"', { user: "x" });

test("HostdevError.toJSON() has code, category, message, details, hint and causes", () => {
  const error = new HostdevError("HD_INVALID_ADDRESS", "Cannot", { text: "q" }, { cause: new Error("why") });
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    code: "HD_INVALID_ADDRESS",
    category: "invalid-argument",
    message: "Cannot",
    details: { text: "q" },
    hint: "Write it like 0000:01:00.0, 01:00.0 or pci_0000_01_00_0; `hostdev devices` lists all.",
    causes: ["why"],
  });
});

test("isHostdevError() tells codes apart, and other values", () => {
  assert.equal(isHostdevError(notFound(), "HD_USER_NOT_FOUND"), true);
  assert.equal(isHostdevError(notFound(), "HD_LOCKED"), false);
  assert.equal(isHostdevError(new Error("x")), false);
  assert.equal(isHostdevError(undefined), false);
});

test("toHostdevError() keeps a HostdevError, and calls anything else a bug", () => {
  const error = notFound();
  assert.equal(toHostdevError(error), error);
  assert.equal(toHostdevError(new TypeError("x is not a function")).code, "HD_INTERNAL");
  assert.equal(toHostdevError("text").code, "HD_INTERNAL");
});

test("causesOf() lists the chain, with all of an AggregateError", () => {
  const inner = new AggregateError([new Error("one"), new Error("two")]);
  assert.deepEqual(causesOf(new Error("outer", { cause: new Error("middle", { cause: inner }) })), [
    "middle",
    "one",
    "two",
  ]);
});
