// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { escaped, json, keyValues } from "./options.ts";

test("json() leaves out what is undefined and keeps large numbers exact", () => {
  assert.equal(
    json({ a: undefined, b: [1, { c: null }], d: 0x5000c50015ea71adn }),
    '{"b":[1,{"c":null}],"d":5764824127192592813}',
  );
});

test("json() cannot be left by any value", () => {
  const text = '"},{"driver":"x\n\\';
  assert.deepEqual(JSON.parse(json({ a: text })), { a: text });
});

test("keyValues() doubles commas and writes switches as on and off", () => {
  assert.equal(
    keyValues("file", { path: "/a,b", append: true, wait: false, log: undefined, n: 3 }),
    "file,path=/a,,b,append=on,wait=off,n=3",
  );
  assert.equal(escaped(",,"), ",,,,");
});
