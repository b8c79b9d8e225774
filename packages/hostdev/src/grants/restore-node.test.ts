// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { killed } from "../../test/fake-host/kill.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import type { GrantRequest } from "./grant.ts";
import { grantDevice } from "./grant-device.ts";
import { restore } from "./restore.ts";
import { restoreNode } from "./restore-node.ts";
import { revokeDevice } from "./revoke-device.ts";

const nic: GrantRequest = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const edu: GrantRequest = { ...nic, device: "04:02.0", hold: ["0000:04:01.0", "0000:04:03.0"], acceptNoReset: true };

test("restoreNode() gives the node that the kernel made anew back to the user", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await grantDevice(host, nic);
  machine.rebind("0000:01:00.0", "vfio-pci");
  assert.equal(host.status("/dev/vfio/11")?.uid, 0);
  assert.equal((await restoreNode(host, 11))?.outcome, "restored");
  const node = host.status("/dev/vfio/11");
  assert.deepEqual([node?.uid, node?.gid, node?.mode], [1000, 0, 0o600]);
  machine.rebind("0000:01:00.0", "vfio-pci");
  await restore(host); // the same for all nodes
  assert.equal(host.status("/dev/vfio/11")?.uid, 1000);
  await revokeDevice(host, "01:00.0");
});

test("restoreNode() does nothing, without a lock, for what is right, not lent, or just being lent", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await grantDevice(host, nic);
  const half = machine.open();
  assert.ok(await killed(half, 14, "after", () => grantDevice(half, edu)));
  machine.log.length = 0;
  for (const group of [11, 12, 13, 4711]) assert.equal(await restoreNode(machine.open(), group), undefined);
  assert.deepEqual(machine.log, []);
});

test("restoreNode() keeps the node from the user when it would give him anything else than was lent", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await grantDevice(host, edu);
  machine.rebind("0000:04:02.0", "vfio-pci");
  machine.rebind("0000:04:03.0", "vfio-pci"); // a held mate
  const widened = await restoreNode(host, 13);
  assert.equal(widened?.outcome, "active");
  assert.match(widened.reason ?? "", /0000:04:03\.0 is bound to vfio-pci, not to pci-stub/);
  assert.equal(host.status("/dev/vfio/13")?.uid, 0);
  machine.rebind("0000:04:03.0", "pci-stub");
  assert.equal((await restoreNode(host, 13))?.outcome, "restored");
});

test("restoreNode() keeps the node from a user whose time is over", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await grantDevice(host, { ...nic, lease: { expiresAt: new Date(machine.clock.now + 1000).toISOString() } });
  machine.clock.pass(2000);
  machine.rebind("0000:01:00.0", "vfio-pci");
  assert.equal(await restoreNode(host, 11), undefined);
  assert.equal(host.status("/dev/vfio/11")?.uid, 0);
});

test("restoreNode() waits for another command, but not for ever", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await grantDevice(host, nic);
  machine.rebind("0000:01:00.0", "vfio-pci");
  const release = await host.lock("/run/hostdev.lock");
  const before = machine.clock.now;
  await assert.rejects(restoreNode(machine.open(), 11), (error) => isHostdevError(error, "HD_LOCKED"));
  assert.ok(machine.clock.now - before <= 30_000);
  machine.clock.schedule(3000, release);
  assert.equal((await restoreNode(machine.open(), 11))?.outcome, "restored");
});
