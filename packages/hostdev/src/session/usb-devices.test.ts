// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute } from "../../test/fake-host/nodes.ts";
import { readyMachine, xmlOf } from "../../test/session/ready-machine.ts";
import { checkOtherDevices } from "./check-other-devices.ts";
import { findLike, readDevice } from "./hotplug/device-xml.ts";
import { readVm } from "./plan-launch.ts";
import { locateUsbDevices } from "./usb-devices.ts";

const byModel = "<hostdev type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>";
const at = (device: number) => `<hostdev type='usb'><source><address bus='1' device='${device}'/></source></hostdev>`;

/** alex's machine with that many devices of one model, as bus 1 device 9 and on, and a VM with these. */
async function vmWith(devices: string, count: number) {
  const { machine, host } = await readyMachine();
  for (let index = 0; index < count; index++) {
    const facts = { busnum: "1", devnum: String(9 + index), idVendor: "1234", idProduct: "beef" };
    for (const [name, text] of Object.entries(facts))
      machine.fs.add(`/sys/bus/usb/devices/1-${index + 1}/${name}`, attribute(text));
    machine.fs.add(`/dev/bus/usb/001/${String(9 + index).padStart(3, "0")}`, {
      ...{ kind: "character-device", mode: 0o600, uid: 1000, gid: 0 },
    });
  }
  return { host, domain: readVm(host, xmlOf({ device: "", devices }), "vm.xml") };
}

test("locateUsbDevices() notes where a device is, which is still found by what it is", async () => {
  const { host, domain } = await vmWith(byModel, 1);
  assert.deepEqual(
    checkOtherDevices(host, domain).map(({ level }) => level),
    ["ok"],
  );
  locateUsbDevices(host, domain);
  const [device] = domain.devices.hostDevices;
  assert.deepEqual(device?.type === "usb" && device.source.address, { bus: 1, device: 9 });
  assert.equal(findLike(domain, readDevice(byModel))?.device, device);
  assert.equal(findLike(domain, readDevice(at(9)))?.device, device);
  assert.equal(findLike(domain, readDevice(at(10))), undefined);
});

test("checkOtherDevices() finds a model that is there twice; an address tells which", async () => {
  const { host, domain } = await vmWith(byModel, 2);
  const [finding] = checkOtherDevices(host, domain);
  assert.equal(finding?.code, "HD_DEVICE_AMBIGUOUS");
  assert.match(finding?.text ?? "", /2 USB devices 1234:beef: bus 1 device 9, bus 1 device 10/);
  locateUsbDevices(host, domain);
  const [device] = domain.devices.hostDevices;
  assert.equal(device?.type === "usb" && device.source.address, undefined);
  const exact = await vmWith(at(10), 2);
  assert.deepEqual(
    checkOtherDevices(exact.host, exact.domain).map(({ level }) => level),
    ["ok"],
  );
});
