// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bigMachine, labMachine } from "../../test/fake-host/index.ts";
import { parseDevicePath } from "./device-path.ts";
import { enumerateFunctions } from "./enumerate.ts";
import { buildTopology, readTopology, type TopologyNode } from "./topology.ts";

/** `a(b c(d))` */
const sketch = (nodes: readonly TopologyNode[]): string =>
  nodes.map(({ address, children }) => address + (children.length > 0 ? `(${sketch(children)})` : "")).join(" ");

test("buildTopology() builds the tree in address order, whatever the order given", () => {
  const roots = buildTopology([
    "/sys/devices/pci0000:80/0000:80:01.0",
    "/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0/0000:03:01.0",
    "/sys/devices/pci0000:00/0000:00:1c.0",
    "/sys/devices/pci0000:00/0000:00:02.0",
    "/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0",
  ]);
  assert.deepEqual(
    roots.map(({ name, children }) => `${name}: ${sketch(children)}`),
    ["pci0000:00: 0000:00:02.0 0000:00:1c.0(0000:02:00.0(0000:03:01.0))", "pci0000:80: 0000:80:01.0"],
  );
});

test("buildTopology() makes nodes for bridges that are in a path only", () => {
  const [root] = buildTopology(["/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0"]);
  assert.equal(sketch(root?.children ?? []), "0000:00:1c.0(0000:02:00.0)");
});

test("buildTopology() leaves out what has no root bus above it", () => {
  assert.deepEqual(buildTopology(["", "/sys/devices/platform/x", "/sys/devices/pci0000:00"]), []);
});

test("parseDevicePath() knows a root bus that hangs on a function, with a PCI domain above 0xffff", () => {
  assert.deepEqual(parseDevicePath("/sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0"), {
    rootBus: "pci10000:e0",
    bridges: ["10000:e0:06.0"],
    address: "10000:e1:00.0",
    rootBusParent: "0000:00:0e.0",
  });
});

test("parseDevicePath() takes root buses of the firmware's and of the device tree's", () => {
  for (const above of ["LNXSYSTM:00/LNXSYBUS:00/PNP0A08:00/device:0a", "platform/40000000.pcie"]) {
    const place = parseDevicePath(`/sys/devices/${above}/pci0000:00/0000:00:01.0`);
    assert.deepEqual([place?.rootBus, place?.rootBusParent], ["pci0000:00", null]);
  }
});

test("readTopology() finds every function, once", () => {
  const host = labMachine().open().as("alex");
  const functions = enumerateFunctions(host);
  const flatten = (nodes: readonly TopologyNode[]): string[] =>
    nodes.flatMap((node) => [node.address, ...flatten(node.children)]);
  const found = readTopology(host, functions).flatMap(({ children }) => flatten(children));
  assert.deepEqual(
    found.sort(),
    functions.map(({ address }) => address),
  );
});

test("readTopology() leaves out a function that vanished", () => {
  const host = labMachine().open();
  assert.deepEqual(readTopology(host, [{ address: "0000:77:00.0" }]), []);
});

test("readTopology() reads one link per function, and nothing else", () => {
  const host = bigMachine(256).open();
  const functions = enumerateFunctions(host);
  let reads = 0;
  const counting = new Proxy(host, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      reads += 1;
      return member.bind(target);
    },
  });
  assert.equal(readTopology(counting, functions).length, 1);
  assert.equal(reads, functions.length);
});
