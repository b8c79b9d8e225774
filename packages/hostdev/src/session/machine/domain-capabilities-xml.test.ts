// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { domainCapabilitiesXml } from "./domain-capabilities-xml.ts";

test("only machines with an IDE controller offer disks on it", () => {
  const emulator = { path: "/qemu", arch: "x86_64", version: 0, machines: [], cpus: [], types: new Set<string>() };
  const offers = (machine: string) =>
    domainCapabilitiesXml({ emulator, machine, maxCpus: 1, virtType: "qemu", hasVfio: false }).includes(">ide<");
  assert.deepEqual(["pc", "pc-i440fx-7.2", "pc-1.3"].map(offers), [true, true, true]);
  assert.deepEqual(["q35", "pc-q35-7.2", "isapc", "microvm"].map(offers), [false, false, false, false]);
});
