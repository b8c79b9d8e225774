// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../../test/domain/sample-domain.ts";
import { parseDomain } from "../../domain/parse.ts";
import { buildArguments } from "../arguments.ts";
import { referenceEnvironment } from "../reference.ts";

/** What an ordinary user's QEMU gets: nobody opens anything for it. */
function netdevFor(card: string): unknown {
  const domain = parseDomain(sampleDomain({ devices: card }));
  const environment = { ...referenceEnvironment(domain, { major: 10, minor: 0 }), descriptors: {} };
  const args = buildArguments(domain, environment);
  return JSON.parse(args[args.indexOf("-netdev") + 1] ?? "");
}

test("tapProperties() without a privileged daemon gives what QEMU can have by itself", () => {
  const own = "<interface type='ethernet'><target dev='tap7' managed='no'/></interface>";
  const expected = { type: "tap", ifname: "tap7", script: "no", downscript: "no", id: "hostnet0" };
  assert.deepEqual(netdevFor(own), expected);
  const vdpa = "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>";
  assert.deepEqual(netdevFor(vdpa), { type: "vhost-vdpa", vhostdev: "/dev/vhost-vdpa-0", id: "hostnet0" });
});

const needsRoot: readonly (readonly [card: string, message: RegExp])[] = [
  [
    "<interface type='network'><source network='default'/></interface>",
    /network default belongs to libvirt's system daemon/,
  ],
  ["<interface type='bridge'><source bridge='b'/><filterref filter='clean'/></interface>", /<filterref> is set up/],
  ["<interface type='bridge'><source bridge='b'/><vlan><tag id='4'/></vlan></interface>", /<vlan> is set up/],
  ["<interface type='ethernet'><target dev='t' managed='no'/><downscript path='/d'/></interface>", /would need root/],
  ["<interface type='ethernet'><ip address='192.0.2.2'/></interface>", /addresses of the host's end/],
  [
    "<interface type='bridge'><source bridge='b'/><model type='virtio'/><driver queues='2'/></interface>",
    /lent to a user with one queue/,
  ],
  [
    "<interface type='bridge'><source bridge='b'/><address type='pci' bus='0x00' slot='0x10'/></interface>",
    /cannot be plugged in at that place/,
  ],
  [
    "<interface type='bridge'><source bridge='b'/><model type='virtio'/><driver name='vhost'/></interface>",
    /\/dev\/vhost-net is not yours/,
  ],
  ["<interface type='ethernet'/>", /only root can make a tap device/],
];

for (const [card, message] of needsRoot) {
  test(`tapProperties() without a privileged daemon refuses ${card}`, () => {
    assert.throws(() => netdevFor(card), { code: "HD_DOMAIN_UNSUPPORTED", message });
  });
}
