// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { placeDevices, splitForSaving } from "./placement.ts";
import { nvme, rootPort } from "./topology.ts";
import { fullZoo } from "./zoo.ts";

test("placeDevices() gives free slots in order and puts children on their port's bus", () => {
  const devices = [rootPort("a", [nvme("disk", "S1")]), rootPort("b", [], { at: "05.1" }), rootPort("c")];
  const places = placeDevices({ devices }).map(({ id, bus, addr }) => `${id}@${bus}:${addr}`);
  assert.deepEqual(places, ["a@pcie.0:01", "disk@a:00", "b@pcie.0:05.1", "c@pcie.0:06"]);
});

test("placeDevices() refuses more devices than there are slots", () => {
  const devices = Array.from({ length: 23 }, (_, index) => rootPort(`port${index}`));
  assert.throws(() => placeDevices({ devices }), /too many devices/);
});

test("splitForSaving() keeps functions of one device together, function 0 last", () => {
  const { saved, later } = splitForSaving(placeDevices(fullZoo));
  assert.deepEqual(
    later.map(({ id }) => id),
    ["nvme1", "edu", "combo-usb", "nvme2", "nvme3"],
  );
  assert.equal(saved.length + later.length, placeDevices(fullZoo).length);
});
