// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fakeMachine } from "../../test/fake-host/index.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { goldenFolder } from "../../test/golden/golden-folder.ts";
import { addDevice, nodedevMachine } from "../../test/golden/nodedev/machine.ts";
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { readPciNames } from "../pci/names.ts";
import type { ReadOptions } from "./capability-kind.ts";
import { listNodeDevices } from "./list-node-devices.ts";
import { findNodeDevices, formatNodeDevice, readNodeDevice } from "./node-device.ts";

/** The descriptions of these devices, by default of all. */
async function dump(host: Host, names?: readonly string[], options?: ReadOptions): Promise<string> {
  const devices = listNodeDevices(host);
  const wanted = names === undefined ? devices : findNodeDevices(devices, names);
  const read = await Promise.all(wanted.map((listed) => readNodeDevice(listed, options)));
  return read.map(formatNodeDevice).join("");
}

/** What differs by privilege: the machine, a bridge, an endpoint. */
const some = ["computer", "00:02.0", "01:00.0"];

function assertGolden(name: string, text: string): void {
  const path = join(goldenFolder("nodedev"), name);
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"));
}

test("formatNodeDevice() gives a user libvirt's elements, bridges, and links", async () => {
  assertGolden("user.xml", await dump(nodedevMachine().open("alex")));
});

test("formatNodeDevice() gives a user no more than libvirt, if told so", async () => {
  assertGolden("user-strict.xml", await dump(nodedevMachine().open("alex"), some, { strictLibvirt: true }));
});

test("formatNodeDevice() gives root all, told or not", async () => {
  const host = nodedevMachine().open();
  assertGolden("root.xml", await dump(host, some));
  assert.equal(await dump(host, undefined, { strictLibvirt: true }), await dump(host));
});

test("findNodeDevices() takes libvirt's names and PCI addresses, nothing else", () => {
  const devices = listNodeDevices(nodedevMachine().open("alex"));
  const found = findNodeDevices(devices, ["pci_0000_01_00_0", "0000:01:00.0", "01:00.0"]);
  assert.deepEqual(new Set(found.map(({ name }) => name)), new Set(["pci_0000_01_00_0"]));
  for (const name of ["", "pci", "77:00.0", "enp1s0"])
    assert.throws(
      () => findNodeDevices(devices, ["computer", name]),
      (error) => isHostdevError(error, "HD_DEVICE_NOT_FOUND") && error.details.device === name,
    );
});

test("readNodeDevice() of a PF lists its VFs, and of a VF its PF", async () => {
  const machine = nodedevMachine();
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  const host = machine.open("alex");
  assert.match(
    await dump(host, ["05:00.0"]),
    /<capability type='virt_functions' maxCount='7'>\n\s+<address [^\n]*slot='0x10' function='0x0'\/>\n\s+<address [^\n]*slot='0x10' function='0x2'\/>\n/,
  );
  assert.match(
    await dump(host, ["05:10.2"]),
    /<capability type='phys_function'>\n\s+<address domain='0x0000' bus='0x05' slot='0x00'/,
  );
});

test("readNodeDevice() takes the link of a user's device from sysfs, and what has no link says so", async () => {
  const machine = nodedevMachine();
  const add = (address: string, max: string, maxWidth: string, current: string, currentWidth: string) => {
    const files = { max_link_speed: max, max_link_width: maxWidth, current_link_speed: current };
    for (const [name, text] of Object.entries({ ...files, current_link_width: currentWidth }))
      machine.fs.add(`${machine.function(address).path}/${name}`, attribute(text));
  };
  add("0000:01:00.0", "16.0 GT/s PCIe", "32", "Unknown", "0");
  add("0000:02:00.0", "Unknown", "0", "2.5 GT/s PCIe", "1");
  add("0000:04:02.0", "Unknown", "0", "Unknown", "0");
  const text = await dump(machine.open("alex"), ["01:00.0", "02:00.0", "04:02.0"]);
  assert.deepEqual(text.match(/<link .*|<pci-express\/>/g), [
    "<link validity='cap' speed='16' width='32'/>",
    "<link validity='sta' width='0'/>",
    "<link validity='cap' width='0'/>",
    "<link validity='sta' speed='2.5' width='1'/>",
    "<pci-express/>",
  ]);
});

test("readNodeDevice() for libvirt's clients looks for nothing in vain, and sees at once what has changed", async () => {
  const machine = nodedevMachine();
  const host = machine.open("alex");
  const vain: string[] = [];
  const noting = new Proxy(host, {
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== "function") return value;
      return (path: string, ...rest: unknown[]) => {
        const got: unknown = value.call(target, path, ...rest);
        if (got === undefined) vain.push(`${String(name)} ${path}`);
        return got;
      };
    },
  });
  const options = { strictLibvirt: true, names: readPciNames(host) };
  assert.match(await dump(noting, ["01:00.0"], options), /<driver>\s+<name>e1000e</);
  const folder = "/sys/bus/pci/devices/0000:01:00.0";
  await machine.open().writeKernel(`${folder}/driver/unbind`, "0000:01:00.0");
  assert.doesNotMatch(await dump(noting, ["01:00.0"], options), /<driver>/);
  assert.deepEqual(
    vain.filter((look) => /0000:01:00\.0\/[^/]+$/.test(look)),
    [],
  );
});

test("readNodeDevice() of a device that vanishes under it fails nowhere", async () => {
  const machine = nodedevMachine();
  const host = machine.open("alex");
  const listed = listNodeDevices(host);
  machine.fs.remove("/sys/devices");
  machine.fs.directory("/sys/devices");
  for (const each of listed)
    assert.match(formatNodeDevice(await readNodeDevice(each)), new RegExp(`<name>${each.name}</name>`));
});

test("readNodeDevice() of a Fibre Channel adapter and its target gives their port names", async () => {
  const machine = fakeMachine().user("alex", 1000).build();
  const host0 = "/sys/devices/platform/host0";
  const target = `${host0}/rport-0:0-1/target0:0:1`;
  addDevice(machine, "bus/scsi/devices", host0, { uevent: "DEVTYPE=scsi_host" });
  addDevice(machine, "bus/scsi/devices", target, { uevent: "DEVTYPE=scsi_target" });
  const names = {
    node_name: "0x20",
    port_name: "0x21",
    fabric_name: "0x22",
    max_npiv_vports: "254",
    npiv_vports_inuse: "3",
    vport_create: "",
  };
  addDevice(machine, "class/fc_host", `${host0}/fc_host/host0`, names);
  addDevice(machine, "class/fc_remote_ports", `${host0}/fc_remote_ports/rport-0:0-1`, { port_name: "0x23" });
  const host = machine.open("alex");
  assertGolden("fibre-channel.xml", await dump(host, ["scsi_host0", "scsi_target0_0_1"]));
});

test("readNodeDevice() does without udev, ethtool, pci.ids and DMI", async () => {
  const machine = nodedevMachine();
  for (const path of ["/run/udev", "/usr/share/misc/pci.ids", "/sys/devices/virtual/dmi"]) machine.fs.remove(path);
  machine.commands.remove("ethtool");
  const names = ["computer", "block_nvme0n1", "net_enp1s0_52_54_00_12_34_56", "01:00.0", "usb_1_1", "usb_usb1"];
  assertGolden("bare.xml", await dump(machine.open("alex"), names));
});
