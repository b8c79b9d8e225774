// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KernelError, labMachine } from "../../test/fake-host/index.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { decodeCapabilities } from "./capabilities.ts";
import { parseConfigSpace, readConfigSpace } from "./config-space.ts";

/** A config space of zeros with these bytes put in, by offset; a capability list is announced. */
function space(length: number, bytes: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const made = new Uint8Array(length);
  made[0x06] = 0x10;
  for (const [offset, values] of Object.entries(bytes)) made.set(values, Number(offset));
  return made;
}

const ids = (list: readonly { id: number }[]) => list.map(({ id }) => id);

test("parseConfigSpace() reads the header of an endpoint", () => {
  const { header, complete, responds } = parseConfigSpace(
    space(256, { 0: [0x86, 0x80, 0xd3, 0x10, 0x07, 0x04], 8: [0x02, 0x00, 0x00, 0x02], 14: [0x80] }),
  );
  assert.deepEqual(header, {
    vendorId: 0x8086,
    deviceId: 0x10d3,
    classCode: 0x020000,
    revision: 2,
    type: "endpoint",
    isMultiFunction: true,
    command: { io: true, memory: true, busMaster: true },
    buses: null,
  });
  assert.deepEqual([complete, responds], [true, true]);
});

test("parseConfigSpace() reads the buses of a bridge", () => {
  const { header } = parseConfigSpace(space(256, { 14: [1], 24: [0x00, 0x05, 0x09] }));
  assert.deepEqual([header?.type, header?.buses], ["bridge", { primary: 0, secondary: 5, subordinate: 9 }]);
});

test("parseConfigSpace() follows the capability list", () => {
  const bytes = space(256, { 52: [0x40], 64: [0x01, 0x60], 96: [0x05, 0x82], 128: [0x10, 0x00] });
  assert.deepEqual(parseConfigSpace(bytes).capabilities, [
    { id: 0x01, offset: 0x40 },
    { id: 0x05, offset: 0x60 },
    { id: 0x10, offset: 0x80 },
  ]);
});

test("parseConfigSpace() ends a capability list that loops, or leads into the header", () => {
  const loop = space(256, { 52: [0x40], 64: [0x01, 0x60], 96: [0x05, 0x40] });
  assert.deepEqual(ids(parseConfigSpace(loop).capabilities), [1, 5]);
  const itself = space(256, { 52: [0x40], 64: [0x01, 0x40] });
  assert.deepEqual(ids(parseConfigSpace(itself).capabilities), [1]);
  const header = space(256, { 52: [0x40], 64: [0x01, 0x3c] });
  assert.deepEqual(ids(parseConfigSpace(header).capabilities), [1]);
});

test("parseConfigSpace() takes no capability where none is announced, or from a pointer outside", () => {
  const unannounced = space(256, { 6: [0], 52: [0x40], 64: [0x01] });
  assert.deepEqual(parseConfigSpace(unannounced).capabilities, []);
  assert.deepEqual(parseConfigSpace(space(128, { 52: [0xf0] })).capabilities, []);
  assert.deepEqual(parseConfigSpace(space(256, { 52: [0xff], 252: [0xff, 0xff] })).capabilities, []);
});

test("parseConfigSpace() follows the extended capabilities, and ends at loops and at the end", () => {
  const at = (id: number, next: number) => [id, 0, 1 | ((next & 0xf) << 4), next >> 4];
  const whole = space(4096, { 256: at(0x0d, 0x148), 328: at(0x10, 0x000) });
  assert.deepEqual(parseConfigSpace(whole).extendedCapabilities, [
    { id: 0x0d, offset: 0x100 },
    { id: 0x10, offset: 0x148 },
  ]);
  const loop = space(4096, { 256: at(0x0d, 0x148), 328: at(0x10, 0x100) });
  assert.deepEqual(ids(parseConfigSpace(loop).extendedCapabilities), [0x0d, 0x10]);
  const cut = space(0x14a, { 256: at(0x0d, 0x148), 328: [0x10, 0x00] });
  assert.deepEqual(ids(parseConfigSpace(cut).extendedCapabilities), [0x0d]);
});

test("parseConfigSpace() tells truncated and silent from complete", () => {
  const state = (bytes: Uint8Array, size?: number) => {
    const { complete, responds, header } = parseConfigSpace(bytes, size);
    return [complete, responds, header !== null];
  };
  for (const length of [0, 1, 63]) assert.deepEqual(state(new Uint8Array(length)), [false, false, false]);
  assert.deepEqual(state(new Uint8Array(64)), [false, true, true]);
  assert.deepEqual(state(new Uint8Array(64), 256), [false, true, true]);
  assert.deepEqual(state(new Uint8Array(256)), [true, true, true]);
  assert.deepEqual(state(new Uint8Array(256), 4096), [false, true, true]);
  assert.deepEqual(state(new Uint8Array(256).fill(0xff)), [true, false, false]);
});

test("readConfigSpace() gets 64 bytes without privilege and all with it", () => {
  const host = labMachine().open();
  assert.equal(readConfigSpace(host, "0000:01:00.0")?.bytes.length, 4096);
  assert.equal(readConfigSpace(host, "0000:01:00.0")?.complete, true);
  const asUser = readConfigSpace(host.as("alex"), "0000:01:00.0");
  assert.deepEqual([asUser?.bytes.length, asUser?.complete, asUser?.responds], [64, false, true]);
  assert.equal(readConfigSpace(host, "0000:77:00.0"), undefined);
});

test("readConfigSpace() says nothing of a file that the kernel fails to read", () => {
  const machine = labMachine().build();
  const fail = () => {
    throw new KernelError("EIO");
  };
  machine.fs.add(`${machine.function("0000:01:00.0").path}/config`, attribute(fail));
  assert.equal(readConfigSpace(machine.open(), "0000:01:00.0"), undefined);
});

test("parseConfigSpace() and decodeCapabilities() take any bytes, and end", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 4096, size: "max" }),
    // Dense in small pointers, so that lists are long, cross and loop.
    fc.array(fc.constantFrom(0x00, 0x01, 0x10, 0x40, 0x44, 0x48, 0xfc, 0xff), {
      minLength: 256,
      maxLength: 4096,
      size: "max",
    }),
  );
  fc.assert(
    fc.property(bytes, (made) => {
      const config = parseConfigSpace(Uint8Array.from([...made.slice(0, 6), 0x10, ...made.slice(7)]));
      decodeCapabilities(config);
      assert.ok(config.capabilities.length <= 48 && config.extendedCapabilities.length <= 960);
      assert.ok([...config.capabilities, ...config.extendedCapabilities].every(({ offset }) => offset < made.length));
    }),
  );
});
