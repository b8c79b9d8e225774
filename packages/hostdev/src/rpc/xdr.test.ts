// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { isHostdevError } from "../core/errors.ts";
import { typedParameter } from "./objects.ts";
import * as xdr from "./xdr.ts";
import { XdrReader } from "./xdr-reader.ts";
import { XdrWriter } from "./xdr-writer.ts";

function encode<T>(codec: xdr.Codec<T>, value: T): Buffer {
  const writer = new XdrWriter();
  codec.write(writer, value);
  return writer.bytes();
}
const decode = <T>(codec: xdr.Codec<T>, bytes: Buffer) => codec.read(new XdrReader(bytes));
const hex = <T>(codec: xdr.Codec<T>, value: T) => encode(codec, value).toString("hex");
const isProtocolError = (error: unknown) => isHostdevError(error, "HD_RPC_PROTOCOL");

/** Bytes as RFC 4506 has them, written down by hand. */
const examples: readonly (readonly [name: string, actual: string, expected: string])[] = [
  ["i32", hex(xdr.i32, -2), "fffffffe"],
  ["u32", hex(xdr.u32, 0x8000_0000), "80000000"],
  ["i64", hex(xdr.i64, -1n), "ffffffffffffffff"],
  ["u64", hex(xdr.u64, 1n << 63n), "8000000000000000"],
  ["double", hex(xdr.double, 1.5), "3ff8000000000000"],
  ["flag", hex(xdr.flag, true), "00000001"],
  ["text", hex(xdr.text(9), "é!"), "00000003c3a92100"],
  ["text of nothing", hex(xdr.text(9), ""), "00000000"],
  ["opaque", hex(xdr.opaque(9), Uint8Array.of(1, 2, 3, 4, 5)), "000000050102030405000000"],
  ["fixed opaque", hex(xdr.fixedOpaque(3), Uint8Array.of(1, 2, 3)), "01020300"],
  ["absent", hex(xdr.optional(xdr.u32), null), "00000000"],
  ["present", hex(xdr.optional(xdr.u32), 7), "0000000100000007"],
  ["list", hex(xdr.list(xdr.i32, 4), [1, -1]), "0000000200000001ffffffff"],
  ["struct", hex(xdr.struct({ b: xdr.u32, a: xdr.text(4) }), { a: "x", b: 2 }), "000000020000000178000000"],
  ["fixed characters", hex(xdr.fixedChars(4), "\u00ff"), "ffffffc3ffffffbf0000000000000000"],
  ["characters", hex(xdr.chars(4), "ab"), "00000003000000610000006200000000"],
  [
    "typed parameter",
    hex(typedParameter, { field: "cpu", value: { type: "ullong", value: 5n } }),
    "0000000363707500000000040000000000000005",
  ],
];
for (const [name, actual, expected] of examples) test(`XDR of ${name}`, () => assert.equal(actual, expected));

const values = fc.record({
  name: fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
  number: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  big: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  items: fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 20 }),
  maybe: fc.option(fc.uint8Array({ maxLength: 20 })),
  flag: fc.boolean(),
  params: fc.array(
    fc.record({
      field: fc.constantFrom("a", "bcd", "ä"),
      value: fc.oneof(
        fc.record({ type: fc.constant("int" as const), value: fc.integer() }),
        fc.record({
          type: fc.constant("llong" as const),
          value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        }),
        fc.record({ type: fc.constant("double" as const), value: fc.double({ noNaN: true }) }),
        fc.record({ type: fc.constant("boolean" as const), value: fc.boolean() }),
        fc.record({ type: fc.constant("string" as const), value: fc.constantFrom("", "x", "xyz", "wxyz") }),
      ),
    }),
    { maxLength: 5 },
  ),
});
const everything = xdr.struct({
  name: xdr.text(4096),
  number: xdr.i32,
  big: xdr.u64,
  items: xdr.list(xdr.u32, 20),
  maybe: xdr.optional(xdr.opaque(20)),
  flag: xdr.flag,
  params: xdr.list(typedParameter, 5),
});

test("what is written is read back, in whole units of four bytes", () => {
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encode(everything, value);
      assert.equal(bytes.length % 4, 0);
      const back = decode(everything, bytes);
      const maybe = back.maybe === null ? null : Uint8Array.from(back.maybe);
      assert.deepEqual({ ...back, maybe, params: [...back.params] }, structuredClone(value));
    }),
  );
});

test("bytes that end too early are an error, wherever they end", () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (value, part) => {
      const bytes = encode(everything, value);
      const cut = bytes.subarray(0, Math.floor(part * (bytes.length - 1)));
      assert.throws(() => decode(everything, cut), isProtocolError);
    }),
  );
});

test("any bytes are a value or a protocol error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decode(everything, Buffer.from(bytes));
      } catch (error) {
        if (!isProtocolError(error)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});

test("a length that lies takes no memory", () => {
  const lie = Buffer.from("ffffffff", "hex");
  const huge = 2 ** 32;
  assert.throws(() => decode(xdr.text(huge), lie), isProtocolError);
  assert.throws(() => decode(xdr.opaque(huge), lie), isProtocolError);
  assert.throws(() => decode(xdr.list(xdr.u32, huge), lie), isProtocolError);
  assert.throws(() => decode(xdr.chars(huge), lie), isProtocolError);
});

test("limits hold when writing and when reading", () => {
  const refused: readonly (() => unknown)[] = [
    () => encode(xdr.text(1), "é"),
    () => decode(xdr.text(1), encode(xdr.text(2), "é")),
    () => encode(xdr.list(xdr.u32, 1), [1, 2]),
    () => decode(xdr.list(xdr.u32, 1), encode(xdr.list(xdr.u32, 2), [1, 2])),
    () => decode(xdr.optional(xdr.u32), encode(xdr.u32, 2)),
    () => decode(xdr.text(9), Buffer.from("0000000161006200", "hex").fill(0, 4)),
    () => decode(typedParameter, Buffer.from("0000000161000000000000090000000000000000", "hex")),
  ];
  for (const act of refused) assert.throws(act, isProtocolError);
});
