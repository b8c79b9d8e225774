// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { readyMachine, xmlOf } from "../../test/session/ready-machine.ts";
import { setVfSettings } from "../vfio/vf-settings.ts";
import { checkAssignedInterfaces } from "./check-assigned-interfaces.ts";
import { readVm } from "./plan-launch.ts";

const physicalFunction = "0000:05:00.0";
const mac = "52:54:00:12:34:56";

async function findings(more: string, { slot = "0x10", isSet = false } = {}) {
  const { machine, host } = await readyMachine();
  machine.write(`/sys/bus/pci/devices/${physicalFunction}/sriov_numvfs`, "2");
  if (isSet) await setVfSettings(machine.open(), physicalFunction, 0, { mac, vlan: 0 });
  const source = `<source><address type='pci' bus='0x05' slot='${slot}' function='0x0'/></source>`;
  const card = `<interface type='hostdev'>${source}${more}</interface>`;
  return checkAssignedInterfaces(host, readVm(host, xmlOf({ device: "", devices: card }), "vm.xml"));
}

test("checkAssignedInterfaces() takes a virtual function, with its own MAC address or none in the XML", async () => {
  assert.deepEqual(await findings(""), []);
  const same = await findings(`<mac address='${mac.toUpperCase()}'/>`, { isSet: true });
  assert.deepEqual(
    same.map(({ level }) => level),
    ["ok"],
  );
});

test("checkAssignedInterfaces() finds a MAC address that only root could set, and names the grant that sets it", async () => {
  const [finding] = await findings(`<mac address='${mac}'/>`);
  assert.equal(finding?.code, "HD_VF_MAC");
  assert.match(finding?.fix ?? "", /grant 0000:05:00\.0 --vf 0 --to alex --mac 52:54:00:12:34:56/);
});

test("checkAssignedInterfaces() refuses what is no virtual function, and what root sets up", async () => {
  const [whole] = await findings("", { slot: "0x00" });
  assert.match(whole?.text ?? "", /no SR-IOV virtual function/);
  const [vlan] = await findings("<vlan><tag id='4'/></vlan>");
  assert.match(vlan?.text ?? "", /<vlan> is set up on the host by root/);
});
