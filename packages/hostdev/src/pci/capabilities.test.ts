// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { noPeerData, peerData } from "../../test/peer-data.ts";
import { decodeCapabilities } from "./capabilities.ts";
import { parseConfigSpace } from "./config-space.ts";

/** 4096 bytes with one capability at 0x40 and one extended capability at 0x100. */
function withCapabilities(capability: readonly number[], extended: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4096);
  bytes[0x06] = 0x10;
  bytes[0x34] = 0x40;
  bytes.set(capability, 0x40);
  bytes.set(extended, 0x100);
  return bytes;
}

const decode = (capability: readonly number[], extended: readonly number[] = []) =>
  decodeCapabilities(parseConfigSpace(withCapabilities(capability, extended)));

test("decodeCapabilities() reads MSI and MSI-X", () => {
  assert.deepEqual(decode([0x05, 0, 0x8b, 0x00]).msi, { enabled: true, vectors: 32 });
  const msix = [0x11, 0, 0x04, 0x80, 0x03, 0x20, 0, 0, 0x03, 0x30, 0, 0];
  assert.deepEqual(decode(msix).msix, { enabled: true, vectors: 5, tableBar: 3 });
});

test("decodeCapabilities() tells apart the ways to reset", () => {
  assert.deepEqual(decode([0x01, 0, 3, 0, 0, 0]).powerManagement, { softReset: true });
  assert.deepEqual(decode([0x01, 0, 3, 0, 8, 0]).powerManagement, { softReset: false });
  assert.equal(decode([0x13, 0, 6, 0x03, 0, 0]).advancedFeaturesFlr, true);
  assert.equal(decode([0x10, 0, 2, 0, 0, 0, 0, 0x10]).express?.flr, true);
});

test("decodeCapabilities() gives what is in the root complex no link", () => {
  const express = (type: number) => decode([0x10, 0, (type << 4) | 2, 0]).express;
  assert.deepEqual([express(9)?.portType, express(9)?.link], ["root-complex-endpoint", null]);
  assert.deepEqual([express(10)?.portType, express(10)?.link], ["event-collector", null]);
  assert.equal(express(15)?.portType, "unknown");
});

test("decodeCapabilities() reads SR-IOV, ACS and the serial number", () => {
  const sriov = new Array(0x40).fill(0);
  sriov.splice(0, 4, 0x10, 0, 1, 0);
  sriov.splice(0x0c, 16, 7, 0, 7, 0, 2, 0, 0, 0, 128, 0, 2, 0, 0, 0, 0xca, 0x10);
  assert.deepEqual(decode([], sriov).sriov, { totalVfs: 7, numVfs: 2, offset: 128, stride: 2, vfDeviceId: 0x10ca });
  assert.deepEqual(decode([], [0x0d, 0, 1, 0, 0x1f, 0, 0x1d, 0]).accessControl, {
    supported: ["SV", "TB", "RR", "CR", "UF"],
    enabled: ["SV", "RR", "CR", "UF"],
  });
  const serial = [0x03, 0, 1, 0, 0x56, 0x34, 0x12, 0xff, 0xff, 0x00, 0x54, 0x52];
  assert.equal(decode([], serial).serialNumber, "52-54-00-ff-ff-12-34-56");
});

test("decodeCapabilities() counts a structure that is cut short as absent", () => {
  const whole = withCapabilities([0x10, 0xfc], [0x10, 0, 1, 0]);
  whole.set([0x05, 0], 0xfc);
  const { express, sriov } = decodeCapabilities(parseConfigSpace(whole.subarray(0, 0x120)));
  assert.deepEqual([express?.portType, sriov], ["endpoint", null]);
  assert.equal(decodeCapabilities(parseConfigSpace(whole.subarray(0, 0x100))).msi, null);
});

interface Expected {
  readonly length: number;
  readonly classCode: number;
  readonly type?: "bridge";
  readonly isMultiFunction?: true;
  readonly offsets: Readonly<Record<number, number>>;
  readonly portType?: string;
  readonly flr?: true;
  readonly advancedFeaturesFlr?: true;
  readonly softReset?: boolean;
  readonly buses?: readonly [number, number];
  readonly link?: object;
}

const conventional = { length: 256, classCode: 0x0c03, offsets: { 1: 0x40 } } as const;
const nvme: Expected = {
  length: 4096,
  classCode: 0x0108,
  offsets: { 16: 0x70 },
  portType: "endpoint",
  flr: true,
  softReset: false,
};
const nic: Expected = {
  length: 4096,
  classCode: 0x0200,
  isMultiFunction: true,
  offsets: { 16: 0xe0 },
  portType: "endpoint",
  softReset: true,
};

/** What is known of libvirt's vectors, decoded by others. */
const vectors: Readonly<Record<string, Expected>> = {
  "0000-00-01.0": {
    length: 4096,
    classCode: 0x0280,
    offsets: { 16: 0xe0, 1: 0xc8 },
    portType: "endpoint",
    flr: true,
    softReset: true,
    link: { port: 0, max: { speedGTs: 2.5, width: 1 } },
  },
  "0000-00-02.0": { length: 256, classCode: 0x0300, offsets: { 19: 0xa4, 1: 0xd0 }, advancedFeaturesFlr: true },
  "0000-00-03.0": {
    length: 4096,
    classCode: 0x0805,
    isMultiFunction: true,
    offsets: { 16: 0x80 },
    portType: "endpoint",
    softReset: true,
    link: { port: 1 },
  },
  "0000-01-00.0": { ...nvme, link: { max: { speedGTs: 8, width: 4 } } },
  "0000-02-00.0": { ...nvme, link: { max: { speedGTs: 8, width: 4 } } },
  "0000-06-12.0": conventional,
  "0000-06-12.1": conventional,
  "0000-06-12.2": conventional,
  "0001-00-00.0": {
    length: 4096,
    classCode: 0x0600,
    type: "bridge",
    offsets: { 16: 0x48 },
    portType: "root-port",
    buses: [1, 1],
    link: { max: { speedGTs: 5, width: 8 }, current: { speedGTs: 2.5, width: 4 } },
  },
  "0001-01-00.0": nic,
  "0001-01-00.1": nic,
  "0005-80-00.0": {
    length: 4096,
    classCode: 0x0604,
    type: "bridge",
    offsets: {},
    portType: "pcie-to-pci-bridge",
    buses: [0x90, 0x9f],
  },
  "0005-90-01.0": { length: 256, classCode: 0x0c03, isMultiFunction: true, offsets: {} },
  "0005-90-01.1": { length: 256, classCode: 0x0c03, offsets: {} },
  "0005-90-01.2": { length: 256, classCode: 0x0c03, offsets: {} },
};

const folder = peerData("pci-config");

test("decodeCapabilities() agrees with what is known of libvirt's config spaces", {
  skip: folder === undefined && noPeerData,
}, () => {
  for (const [name, expected] of Object.entries(vectors)) {
    const bytes = readFileSync(join(folder ?? "", `${name}.config`));
    const config = parseConfigSpace(bytes);
    const decoded = decodeCapabilities(config);
    assert.deepEqual([bytes.length, config.complete], [expected.length, true], name);
    assert.equal((config.header?.classCode ?? 0) >> 8, expected.classCode, name);
    assert.equal(config.header?.type, expected.type ?? "endpoint", name);
    if (expected.isMultiFunction) assert.equal(config.header?.isMultiFunction, true, name);
    const { secondary, subordinate } = config.header?.buses ?? {};
    assert.deepEqual([secondary, subordinate], expected.buses ?? [undefined, undefined], name);
    for (const [id, offset] of Object.entries(expected.offsets)) {
      assert.equal(config.capabilities.find((found) => found.id === Number(id))?.offset, offset, `${name} ${id}`);
    }
    assert.equal(decoded.express?.portType, expected.portType, name);
    assert.equal(decoded.express?.flr ?? false, expected.flr ?? false, name);
    assert.equal(decoded.advancedFeaturesFlr, expected.advancedFeaturesFlr ?? false, name);
    if (expected.softReset !== undefined) assert.equal(decoded.powerManagement?.softReset, expected.softReset, name);
    for (const [key, value] of Object.entries(expected.link ?? {})) {
      assert.deepEqual(decoded.express?.link?.[key as "max"], value, name);
    }
  }
});

test("decodeCapabilities() says nothing of a config space cut to 64 bytes", {
  skip: folder === undefined && noPeerData,
}, () => {
  for (const name of readdirSync(folder ?? "")) {
    const bytes = readFileSync(join(folder ?? "", name));
    const config = parseConfigSpace(bytes.subarray(0, 64), bytes.length);
    assert.deepEqual([config.complete, config.capabilities, config.extendedCapabilities], [false, [], []], name);
    assert.deepEqual(config.header, parseConfigSpace(bytes).header, name);
    assert.deepEqual(
      decodeCapabilities(config),
      { ...decodeCapabilities(parseConfigSpace(new Uint8Array(256))), complete: false },
      name,
    );
  }
});
