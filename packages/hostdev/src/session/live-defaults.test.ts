// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { formatDomain, parseDomain } from "../domain/parse.ts";
import { fillLiveDefaults } from "./live-defaults.ts";
import { connectionsOf } from "./summaries.ts";

/** How a domain with these devices is reached when it runs, after its definition was written and read again. */
function connections(devices: string) {
  const domain = parseDomain(formatDomain(parseDomain(sampleDomain({ devices }))));
  fillLiveDefaults(domain, "/run/vm");
  return connectionsOf(domain).map(({ kind, path, address, port }) => `${kind} ${path ?? `${address}:${port}`}`);
}

test("a screen that leaves it to us is on a socket of the VM's folder; one that names a place is there", () => {
  assert.deepEqual(connections("<graphics type='vnc'/>"), ["vnc /run/vm/vnc.sock"]);
  assert.deepEqual(connections("<graphics type='vnc' port='-1' autoport='yes'><listen type='address'/></graphics>"), [
    "vnc /run/vm/vnc.sock",
  ]);
  assert.deepEqual(connections("<graphics type='spice' autoport='yes'/>"), ["spice /run/vm/spice.sock"]);
  assert.deepEqual(connections("<graphics type='vnc' port='5911'/>"), ["vnc 127.0.0.1:5911"]);
  assert.deepEqual(connections("<graphics type='vnc' port='5911' listen='0.0.0.0'/>"), ["vnc 0.0.0.0:5911"]);
  assert.deepEqual(connections("<graphics type='vnc'><listen type='socket' socket='/home/me/v'/></graphics>"), [
    "vnc /home/me/v",
  ]);
});

test("channels get sockets of the VM's folder, and keep those that they have", () => {
  const channel = (source: string) =>
    `<channel type='unix'>${source}<target type='virtio' name='org.qemu.guest_agent.0'/></channel>`;
  const domain = parseDomain(sampleDomain({ devices: channel("") + channel("<source mode='bind' path='/my/sock'/>") }));
  fillLiveDefaults(domain, "/run/vm");
  const paths = domain.devices.channels.map((one) => (one.type === "unix" ? one.source?.path : undefined));
  assert.deepEqual(paths, ["/run/vm/channel0.sock", "/my/sock"]);
});

test("devices of the host are said to be assigned by VFIO, which the definition leaves open", () => {
  const source = "<source><address type='pci' bus='1'/></source>";
  const card = `<interface type='hostdev'>${source.replace("bus='1'", "bus='2'")}</interface>`;
  const domain = parseDomain(sampleDomain({ devices: `<hostdev type='pci'>${source}</hostdev>${card}` }));
  assert.doesNotMatch(formatDomain(domain), /vfio/);
  fillLiveDefaults(domain, "/run/vm");
  assert.equal(formatDomain(domain).match(/<driver name='vfio'\/>/g)?.length, 2);
});
