// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFirmwareDescriptor } from "./firmware.ts";

const descriptor = (changes: object) =>
  JSON.stringify({
    "interface-types": ["uefi"],
    mapping: {
      device: "flash",
      executable: { filename: "/f/CODE.fd", format: "raw" },
      "nvram-template": { filename: "/f/VARS.fd", format: "raw" },
    },
    targets: [{ architecture: "x86_64", machines: ["pc-q35-*"] }],
    features: ["secure-boot", "requires-smm"],
    ...changes,
  });

test("parseFirmwareDescriptor() reads what decides on a firmware", () => {
  assert.deepEqual(parseFirmwareDescriptor(descriptor({})), {
    interface: "uefi",
    executable: { path: "/f/CODE.fd", format: "raw" },
    nvramTemplate: { path: "/f/VARS.fd", format: "raw" },
    machines: ["pc-q35-*"],
    features: ["secure-boot", "requires-smm"],
  });
});

test("parseFirmwareDescriptor() reads firmware in memory, which has no variables", () => {
  const bios = parseFirmwareDescriptor(
    descriptor({ "interface-types": ["bios"], mapping: { device: "memory", filename: "/f/bios.bin" } }),
  );
  assert.deepEqual([bios?.interface, bios?.executable.path, bios?.nvramTemplate], ["bios", "/f/bios.bin", undefined]);
});

test("parseFirmwareDescriptor() passes over what is no descriptor for PCs", () => {
  for (const text of [
    "",
    "[]",
    "{}",
    "null",
    descriptor({ targets: [{ architecture: "aarch64", machines: ["virt"] }] }),
  ]) {
    assert.equal(parseFirmwareDescriptor(text), undefined, text);
  }
});
