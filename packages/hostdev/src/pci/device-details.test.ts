// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/index.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { readFunctionDetails } from "./device-details.ts";
import { parseReservedRegions } from "./group-details.ts";
import { readFunctionIdentity } from "./identity.ts";
import { findMatchingModules } from "./matching-modules.ts";
import { parseResources } from "./resources.ts";
import { readSriov } from "./sriov.ts";

const nic = "0000:01:00.0";
const pf = "0000:05:00.0";

/** The lab's machine with further attributes of the NIC. */
function withAttributes(attributes: Readonly<Record<string, string>>) {
  const machine = labMachine().build();
  const { path } = machine.function(nic);
  for (const [name, text] of Object.entries(attributes)) machine.fs.add(`${path}/${name}`, attribute(text));
  return machine;
}

test("readFunctionDetails() reads what sysfs tells everybody", () => {
  const machine = withAttributes({
    max_link_speed: "8.0 GT/s PCIe",
    max_link_width: "4",
    current_link_speed: "Unknown",
    current_link_width: "255",
    d3cold_allowed: "1",
    msi_bus: "1",
    "msi_irqs/33": "msix",
    "msi_irqs/34": "msix",
    "vfio-dev/vfio3/dev": "511:3",
  });
  const details = readFunctionDetails(machine.open("alex"), nic);
  assert.equal(details?.function.address, nic);
  assert.deepEqual(details?.resetMethods, ["flr"]);
  assert.deepEqual(details?.link, { max: { speedGTs: 8, width: 4 }, current: { speedGTs: null, width: null } });
  assert.deepEqual(details?.power, { state: "D0", isD3coldAllowed: true });
  assert.deepEqual(details?.interrupts, { irq: 11, mode: "msix", vectors: 2, isMsiAllowed: true });
  assert.equal(details?.group?.type, "DMA-FQ");
  assert.equal(details?.group?.reservedRegions[0]?.type, "msi");
  assert.equal(details?.resources.bars[0]?.sizeBytes, 0x20000);
  assert.equal(details?.vfioDevice, "vfio3");
  assert.equal(details?.sriov, null);
  assert.deepEqual([details?.capabilities?.complete, details?.identity.serials.device], [false, null]);
});

test("readFunctionDetails() reads config space as root", () => {
  const details = readFunctionDetails(labMachine().open(), nic);
  assert.equal(details?.capabilities?.express?.flr, true);
  assert.equal(details?.identity.serials.device, "52-54-00-ff-ff-12-34-56");
});

test("readFunctionDetails() knows a function that cannot be reset, and one that does not answer", () => {
  const machine = labMachine().build();
  assert.deepEqual(readFunctionDetails(machine.open(), "0000:04:02.0")?.resetMethods, []);
  machine.function(nic).config.fill(0xff);
  assert.equal(readFunctionDetails(machine.open(), nic)?.capabilities, null);
  assert.equal(readFunctionDetails(machine.open(), "0000:77:00.0"), undefined);
});

test("readSriov() tells PF and VF, with the VF's index", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await host.writeKernel(`/sys/bus/pci/devices/${pf}/sriov_numvfs`, "2");
  const physical = readSriov(host, pf);
  assert.ok(physical?.role === "physical");
  assert.deepEqual([physical.totalVfs, physical.numVfs], [7, 2]);
  const [first, second] = physical.virtualFunctions;
  assert.deepEqual([first?.index, second?.index], [0, 1]);
  assert.deepEqual(readSriov(host, second?.address ?? ""), { role: "virtual", physicalFunction: pf, index: 1 });
  assert.equal(readSriov(host, nic), null);
  assert.equal(readFunctionIdentity(host, second?.address ?? "")?.virtualFunctionIndex, 1);
});

test("readFunctionIdentity() takes place, ids and serial numbers, but no bus number", () => {
  const host = labMachine().open().as("alex");
  assert.deepEqual(readFunctionIdentity(host, "0000:04:01.0")?.path, ["pci0000:00", "04.0", "00.0", "01.0"]);
  assert.deepEqual(readFunctionIdentity(host, "0000:04:01.0")?.serials.mac, ["52:54:00:00:04:01"]);
  assert.equal(readFunctionIdentity(host, "0000:02:00.0")?.serials.nvme, "lab0");
  assert.equal(readFunctionIdentity(host, "0000:77:00.0"), undefined);
});

test("readFunctionIdentity() takes no MAC that somebody gave", () => {
  const host = withAttributes({ "net/enp1s0/addr_assign_type": "3" }).open();
  assert.deepEqual(readFunctionIdentity(host, nic)?.serials.mac, []);
});

test("parseResources() reads types, sizes and the ROM", () => {
  const none = "0x0000000000000000 0x0000000000000000 0x0000000000000000";
  const text = [
    "0x00000000fe800000 0x00000000fe80ffff 0x0000000000040200",
    "0x000000000000c000 0x000000000000c01f 0x0000000000040101",
    "0x0000004000000000 0x00000043ffffffff 0x000000000014220c",
    none,
    "nonsense",
    none,
    "0x00000000fe8c0000 0x00000000fe8dffff 0x0000000000046200",
    "0x00000000fe900000 0x00000000fe90ffff 0x0000000000140200",
  ].join("\n");
  const { bars, romBytes } = parseResources(text);
  assert.deepEqual(
    bars.map((bar) => [bar.index, bar.type, bar.width, bar.isPrefetchable, bar.sizeBytes]),
    [
      [0, "memory", 32, false, 0x10000],
      [1, "io", 32, false, 32],
      [2, "memory", 64, true, 16 * 1024 ** 3],
    ],
  );
  assert.equal(bars[2]?.start, "0x0000004000000000");
  assert.equal(romBytes, 0x20000);
  assert.deepEqual(parseResources(""), { bars: [], romBytes: null });
});

test("parseReservedRegions() tells what keeps a group from VFIO from what does not", () => {
  const text = "0x00000000000e0000 0x00000000000fffff direct\n0x1 0x2 direct-relaxable\nnonsense\n0x3 0x4 other\n";
  assert.deepEqual(
    parseReservedRegions(text).map(({ start, type }) => [start, type]),
    [
      ["0x00000000000e0000", "direct"],
      ["0x1", "direct-relaxable"],
      ["0x3", "unknown"],
    ],
  );
});

test("findMatchingModules() asks modprobe, and takes no for an answer", async () => {
  const host = labMachine().open();
  const answering = (status: number, stdout: string) =>
    Object.assign(Object.create(host) as typeof host, {
      readText: (path: string) => host.readText(path),
      run: async () => ({ status, signal: null, stdout, stderr: "" }),
    });
  assert.deepEqual(await findMatchingModules(answering(0, "e1000e\n"), nic), ["e1000e"]);
  assert.deepEqual(await findMatchingModules(answering(1, ""), nic), []);
  assert.deepEqual(await findMatchingModules(answering(0, "x\n"), "0000:77:00.0"), []);
});
