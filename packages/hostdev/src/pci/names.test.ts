// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMachine, labMachine } from "../../test/fake-host/index.ts";
import { PciNames, readPciNames } from "./names.ts";
import { readPciFunction } from "./pci-function.ts";

const sample = `# a comment

1af4  Example Virtual
\t1000  Network device
# a comment within
\t1001  Block device
\t\t1af4 0002  Block board
8086  Example Chips
\t10d3  Gigabit NIC
\t\t103c 1785  Server Adapter

\t\t8086 a01f  Desktop Adapter
\t10d4  Last of its vendor

ffff  Illegal Vendor\u0007ID
C 02  Network things
\t00  Ethernet thing
C 0c  Serial things
\t03  USB thing
\t\t30  XHCI
\t\tfe  A device
`;

const names = new PciNames(new TextEncoder().encode(sample));

test("PciNames finds vendors and devices, each within its vendor", () => {
  assert.equal(names.vendor(0x1af4), "Example Virtual");
  assert.equal(names.device(0x8086, 0x10d3), "Gigabit NIC");
  assert.equal(names.device(0x8086, 0x10d4), "Last of its vendor");
  assert.equal(names.device(0x1af4, 0x1001), "Block device");
  assert.equal(names.device(0x1af4, 0x10d3), null);
  assert.equal(names.vendor(0x10d3), null);
  assert.equal(names.device(0x8086, 0xa01f), null);
});

test("PciNames finds a board within its device only", () => {
  const board = (deviceId: number, subsystemVendorId: number, subsystemDeviceId: number) =>
    names.subsystem({ vendorId: 0x8086, deviceId, subsystemVendorId, subsystemDeviceId });
  assert.equal(board(0x10d3, 0x103c, 0x1785), "Server Adapter");
  assert.equal(board(0x10d3, 0x8086, 0xa01f), "Desktop Adapter");
  assert.equal(board(0x10d4, 0x103c, 0x1785), null);
  assert.equal(board(0x10d3, 0x1af4, 0x0002), null);
});

test("PciNames names a class as exactly as it can", () => {
  assert.equal(names.class(0x0c0330), "USB thing (XHCI)");
  assert.equal(names.class(0x020000), "Ethernet thing");
  assert.equal(names.class(0x028000), "Network things");
  assert.equal(names.class(0x010802), "NVMe controller"); // not in the file: built in
  assert.equal(names.class(0x770000), null);
});

test("PciNames lets no control character out", () => {
  assert.equal(names.vendor(0xffff), "Illegal Vendor ID");
});

test("PciNames takes files that are empty, cut off, or begin without a comment", () => {
  assert.equal(new PciNames(new Uint8Array()).vendor(0x8086), null);
  const cut = new PciNames(new TextEncoder().encode("8086  Example Chips\n\t10d3  Gigab"));
  assert.deepEqual([cut.vendor(0x8086), cut.device(0x8086, 0x10d3)], ["Example Chips", "Gigab"]);
});

test("readPciNames() takes the first file there is, and does without", () => {
  const host = fakeMachine().file("/usr/share/hwdata/pci.ids", sample).open();
  assert.equal(readPciNames(host).vendor(0x8086), "Example Chips");
  const bare = labMachine().open();
  const nic = readPciFunction(bare, "0000:01:00.0");
  assert.ok(nic !== undefined);
  const expected = { vendor: null, device: null, subsystem: null, class: "Ethernet controller" };
  assert.deepEqual(readPciNames(bare).of(nic), expected);
});
