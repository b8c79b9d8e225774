// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bigMachine, fakeMachine } from "../../test/fake-host/index.ts";
import { goldenFolder } from "../../test/golden/golden-folder.ts";
import { addDevice, nodedevMachine, sound } from "../../test/golden/nodedev/machine.ts";
import { formatTree } from "./format-tree.ts";
import { capabilitiesOf, listNodeDevices } from "./list-node-devices.ts";

test("listNodeDevices() finds what libvirt would, with its names and parents, and formatTree() draws them", () => {
  const text = formatTree(listNodeDevices(nodedevMachine().open("alex")));
  const path = join(goldenFolder("nodedev"), "tree.txt");
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"));
});

test("listNodeDevices() sorts as virsh, without regard to case", () => {
  const machine = fakeMachine().user("alex", 1000).build();
  for (const name of ["b", "A", "a_", "B1"]) addDevice(machine, "class/net", `/sys/devices/virtual/net/${name}`, {});
  const names = listNodeDevices(machine.open("alex")).map(({ name }) => name);
  assert.deepEqual(names, ["computer", "net_A", "net_a_", "net_b", "net_B1", "pci_0000_00_00_0"]);
});

test("listNodeDevices() keeps one of two devices whose names become the same", () => {
  const machine = fakeMachine().user("alex", 1000).build();
  const hub = "/sys/devices/platform/usb1/1-1";
  addDevice(machine, "bus/usb/devices", `${hub}/1-1.1/1-1.1.1`, { uevent: "DEVTYPE=usb_device" });
  addDevice(machine, "bus/usb/devices", `${hub}/1-1:1.1`, { uevent: "DEVTYPE=usb_interface" });
  addDevice(machine, "class/net", `${hub}/1-1.1/1-1.1.1/net/usb0`, {});
  const devices = listNodeDevices(machine.open("alex")).map(({ name, parent, type }) => [name, parent, type]);
  assert.deepEqual(devices, [
    ["computer", null, "system"],
    ["net_usb0", "usb_1_1_1_1", "net"],
    ["pci_0000_00_00_0", "computer", "pci"],
    ["usb_1_1_1_1", "computer", "usb"],
  ]);
});

test("listNodeDevices() leaves out a device that vanishes meanwhile", () => {
  const machine = nodedevMachine();
  machine.failOn({ operation: "readLink", path: "/sys/bus/pci/devices/0000:01:00.0", errno: "ENOENT" });
  const names = listNodeDevices(machine.open("alex")).map(({ name }) => name);
  assert.ok(!names.includes("pci_0000_01_00_0"));
  assert.ok(names.includes("pci_0000_02_00_0"));
});

test("listNodeDevices() reads a link a PCI function, however many there are", () => {
  const machine = bigMachine(512).user("alex", 1000).build();
  let reads = 0;
  machine.on(
    "before",
    { path: /pci/ },
    () => {
      reads += 1;
    },
    Number.POSITIVE_INFINITY,
  );
  const devices = listNodeDevices(machine.open("alex"));
  const functions = devices.filter(({ type }) => type === "pci").length;
  assert.equal(functions, 515);
  assert.ok(reads < functions * 4, `${reads} reads`); // with two for each function's network interface
});

test("capabilitiesOf() finds what a device can do besides", () => {
  const machine = nodedevMachine();
  const of = (user: string, name: string) => {
    const found = listNodeDevices(machine.open(user)).find((device) => device.name === name);
    return found === undefined ? [] : capabilitiesOf(found);
  };
  assert.deepEqual(of("alex", "pci_0000_04_03_0"), ["pci", "mdev_types"]);
  assert.deepEqual(of("alex", "pci_0000_04_02_0"), ["pci"]);
  machine.fs.add(`${sound}/vpd`, {
    kind: "attribute",
    mode: 0o600,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    read: () => new Uint8Array([0x82, 1, 0, 65, 0x78]),
  });
  assert.deepEqual(of("alex", "pci_0000_04_03_0"), ["pci", "mdev_types"]);
  assert.deepEqual(of("root", "pci_0000_04_03_0"), ["pci", "mdev_types", "vpd"]);
  assert.deepEqual(of("alex", "computer"), ["system"]);
});
