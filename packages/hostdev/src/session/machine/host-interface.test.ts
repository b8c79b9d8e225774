// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMachine } from "../../../test/fake-host/index.ts";
import { hostInterfaceXml, readHostInterfaces, readInterface } from "./host-interface.ts";

type Files = Readonly<Record<string, string>>;

/** What the kernel has of a bridge with a port, of `lo`, of a tap of a guest, of a card whose speed nobody knows. */
const interfaces: Readonly<Record<string, Files>> = {
  br0: {
    address: "e2:6f:9b:dc:39:6a",
    operstate: "up",
    mtu: "1500",
    "bridge/stp_state": "0",
    "bridge/forward_delay": "1500",
    "brif/ve1/port_no": "0x1",
  },
  lo: { address: "00:00:00:00:00:00", operstate: "unknown", mtu: "65536" },
  tap0: { address: "72:2b:ef:0a:90:85", operstate: "down", mtu: "1500", tun_flags: "0x1002" },
  eth0: { address: "02:fc:00:00:00:01", operstate: "up", mtu: "1400", speed: "-1" },
  ve1: { address: "e2:6f:9b:dc:39:6a", operstate: "up", mtu: "1500", speed: "10000", "master/ifindex": "4" },
};

function host() {
  const machine = fakeMachine();
  for (const [name, files] of Object.entries(interfaces))
    for (const [file, text] of Object.entries(files)) machine.file(`/sys/class/net/${name}/${file}`, `${text}\n`);
  return machine.open();
}

const xmlOf = (name: string) => {
  const found = readInterface(host(), name);
  return found === undefined ? undefined : hostInterfaceXml(host(), found);
};

test("readHostInterfaces() leaves out ports and taps, as libvirt does", () => {
  const found = readHostInterfaces(host()).map(({ name, isActive }) => `${name} ${isActive ? "active" : "inactive"}`);
  assert.deepEqual(found.sort(), ["br0 active", "eth0 active", "lo inactive"]);
});

test("hostInterfaceXml() writes what libvirt 9.0 writes of the same interfaces", () => {
  assert.equal(
    xmlOf("br0"),
    `<interface type='bridge' name='br0'>
  <mtu size='1500'/>
  <bridge stp='off' delay='1500'>
    <interface type='ethernet' name='ve1'>
      <link speed='10000' state='up'/>
      <mac address='e2:6f:9b:dc:39:6a'/>
    </interface>
  </bridge>
</interface>
`,
  );
  assert.equal(
    xmlOf("lo"),
    `<interface type='ethernet' name='lo'>
  <mtu size='65536'/>
  <link state='unknown'/>
  <mac address='00:00:00:00:00:00'/>
</interface>
`,
  );
});

test("hostInterfaceXml() leaves out a speed that the driver does not know, which libvirt writes as 4294967295", () => {
  assert.match(xmlOf("eth0") ?? "", /<link state='up'\/>/);
});

test("readInterface() takes names, not paths", () => {
  for (const name of ["../net/lo", "nobody", "", "."]) assert.equal(readInterface(host(), name), undefined);
});
