// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { labMachine } from "../../test/fake-host/index.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { parseVitalProductData, readVitalProductData } from "./vital-product-data.ts";

const bytesOf = (text: string) => [...new TextEncoder().encode(text)];
const resource = (tag: number, body: readonly number[]) => [tag, body.length & 0xff, body.length >> 8, ...body];
const field = (keyword: string, value: string) => [...bytesOf(keyword), value.length, ...bytesOf(value)];

const whole = Uint8Array.from([
  ...resource(0x82, bytesOf("Example NIC ")),
  ...resource(0x90, [
    ...field("PN", "E-42"),
    ...field("SN", "S\0\x07 7  "),
    ...field("V0", "x"),
    ...field("RV", "\x11\0"),
  ]),
  ...resource(0x91, [...field("YA", "asset"), ...field("RW", "\0\0\0")]),
  0x78,
]);

test("parseVitalProductData() reads name and fields, cleaned", () => {
  assert.deepEqual(parseVitalProductData(whole), {
    name: "Example NIC",
    readOnly: { PN: "E-42", SN: "S? 7", V0: "x" },
    readWrite: { YA: "asset" },
  });
});

test("parseVitalProductData() keeps what comes before a resource or a field that is too long", () => {
  assert.deepEqual(parseVitalProductData(whole.subarray(0, 20)), { name: "Example NIC", readOnly: {}, readWrite: {} });
  const overlong = Uint8Array.from([
    ...resource(0x82, bytesOf("N")),
    ...resource(0x90, [...field("PN", "1"), ...bytesOf("SN"), 200, 0x31]),
  ]);
  assert.deepEqual(parseVitalProductData(overlong)?.readOnly, { PN: "1" });
});

test("parseVitalProductData() takes nothing that does not begin with a name", () => {
  assert.equal(parseVitalProductData(new Uint8Array()), null);
  assert.equal(parseVitalProductData(new Uint8Array(256).fill(0xff)), null);
  assert.equal(parseVitalProductData(Uint8Array.of(0x82, 0xff, 0xff, 0x41)), null);
});

test("parseVitalProductData() takes any bytes, and gives printable text only", () => {
  const tag = fc.constantFrom(0x82, 0x90, 0x91, 0x78);
  const made = fc.array(fc.tuple(tag, fc.uint8Array({ maxLength: 40 })), { maxLength: 5 });
  fc.assert(
    fc.property(made, fc.uint8Array({ maxLength: 8 }), (resources, rest) => {
      const parsed = parseVitalProductData(
        Uint8Array.from([...resources.flatMap(([id, body]) => resource(id, [...body])), ...rest]),
      );
      assert.match(JSON.stringify(parsed), /^[\x20-\x7e]*$/);
    }),
  );
});

test("readVitalProductData() is root's alone", () => {
  const machine = labMachine().build();
  machine.fs.add(
    `${machine.function("0000:01:00.0").path}/vpd`,
    attribute(() => whole, 0o600),
  );
  assert.equal(readVitalProductData(machine.open(), "0000:01:00.0")?.name, "Example NIC");
  assert.equal(readVitalProductData(machine.open("alex"), "0000:01:00.0"), null);
  assert.equal(readVitalProductData(machine.open(), "0000:02:00.0"), null);
});
