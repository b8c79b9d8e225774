// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { desktopMachine, labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { readBinding, setBinding } from "../vfio/binding.ts";
import { grantDevice, previewGrant } from "./grant-device.ts";
import { findReachableMates } from "./reachable-mates.ts";
import { revokeDevice } from "./revoke-device.ts";

const bus = {
  device: "04:02.0",
  user: "alex",
  memoryBytes: 256 * MiB,
  hold: [],
  force: [],
  acceptNoReset: true,
} as const;
const [mate, edu, sound] = ["0000:04:01.0", "0000:04:02.0", "0000:04:03.0"] as const;

test("grantDevice() gives a second endpoint that is named, and holds the rest", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  const grant = await grantDevice(host, { ...bus, give: [mate], hold: [sound] });
  assert.deepEqual(
    grant.endpoints.map(({ address, role }) => [address, role]),
    [
      [mate, "give"],
      [edu, "give"],
      [sound, "hold"],
    ],
  );
  assert.equal(readBinding(host, mate).driver, "vfio-pci");
  assert.equal(readBinding(host, sound).driver, "pci-stub");
  await revokeDevice(host, edu);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("grantDevice() with all mates accepted holds all of them", async () => {
  const host = labMachine().open();
  await grantDevice(host, { ...bus, holdMates: true });
  for (const address of [mate, sound]) assert.equal(readBinding(host, address).driver, "pci-stub");
});

test("grantDevice() with all mates accepted still refuses what the host lives on", async () => {
  const host = desktopMachine().function("0000:02:00.1", { ids: "144d:0001", class: "ff0000", group: 15 }).open();
  await assert.rejects(previewGrant(host, { ...bus, device: "02:00.1", holdMates: true }), (error) =>
    isHostdevError(error, "HD_IN_USE"),
  );
});

test("grantDevice() refuses roles that contradict each other or are for no endpoint of the group", async () => {
  const host = labMachine().open();
  for (const roles of [
    { give: [mate], hold: [mate, sound] },
    { give: ["0000:01:00.0"], hold: [mate, sound] },
    { give: ["0000:03:00.0"], hold: [mate, sound] }, // a bridge
    { hold: [edu, mate, sound] },
  ]) {
    await assert.rejects(previewGrant(host, { ...bus, ...roles }), (error) => isHostdevError(error, "HD_NOT_A_MATE"));
  }
});

test("findReachableMates() finds a held mate that somebody put on vfio-pci, and a revoke takes it back too", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  const grant = await grantDevice(host, { ...bus, hold: [mate, sound] });
  assert.deepEqual(findReachableMates(host, grant), []);
  await setBinding(host, sound, { driver: "vfio-pci", override: "vfio-pci" });
  assert.deepEqual(findReachableMates(host, grant), [sound]);
  const { grant: ended } = await revokeDevice(host, edu);
  assert.equal(ended.id, grant.id);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});
