// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "../domain/parse.ts";
import { buildArguments } from "../qemu/arguments.ts";
import { referenceEnvironment } from "../qemu/reference.ts";
import { bridgeCards } from "./bridge-cards.ts";

test("bridgeCards() are plugged in when QEMU is there", () => {
  const xml = "<interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>";
  const domain = parseDomain(sampleDomain({ devices: xml }));
  const environment = { ...referenceEnvironment(domain, { major: 10, minor: 0 }), descriptors: {}, hasVhostNet: true };
  assert.ok(!buildArguments(domain, environment).includes("-netdev"));
  const [card] = bridgeCards(domain, environment);
  assert.deepEqual(
    card?.commands.map(({ execute }) => execute),
    ["netdev_add", "device_add"],
  );
  assert.deepEqual(card?.commands[0]?.arguments, { type: "tap", fd: "hostnet0", vhost: true, id: "hostnet0" });
});
