// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { grantDevice } from "./grant-device.ts";
import { previewRevoke, revokeDevice } from "./revoke-device.ts";
import { readRecords } from "./store.ts";

/** What differs because a test started a process, and because a revoke was announced and called off. */
const ofQemu = /^limits \d+ qemu/;
const ofRecord = /^files \/var\/lib\/hostdev/;

const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };

test("revokeDevice() refuses while a VM has the device, names it, and changes nothing", async () => {
  const host = labMachine().open();
  await grantDevice(host, nic);
  const qemu = host.machine.process({
    user: "alex",
    comm: "qemu-system-x86",
    cmdline: ["qemu", "-name", "guest=nic-guest"],
  });
  const held = host.machine.holdGroup(qemu, 11);
  const before = host.machine.snapshot();
  await assert.rejects(
    revokeDevice(host, "01:00.0"),
    (error) =>
      isHostdevError(error, "HD_GROUP_HELD") &&
      error.message.includes(`process ${qemu.pid} of alex (VM "nic-guest")`) &&
      error.hint === 'Shut down VM "nic-guest" first.',
  );
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
  held.close();
  await revokeDevice(host, "01:00.0");
});

test("revokeDevice() tells of a VM whose name would play tricks on a terminal", async () => {
  const host = labMachine().open();
  await grantDevice(host, nic);
  const name = "guest=\x1b[2J\nhostdev-admin: done";
  const qemu = host.machine.process({ user: "alex", comm: "qemu-system-x86", cmdline: ["qemu", "-name", name] });
  host.machine.holdGroup(qemu, 11);
  await assert.rejects(
    revokeDevice(host, "01:00.0"),
    (error) =>
      isHostdevError(error, "HD_GROUP_HELD") && error.message.includes('VM "\\x1b[2J\\x0ahostdev-admin: done"'),
  );
});

test("revokeDevice() never unbinds under a holder who came in meanwhile, and gives the node back", async () => {
  const host = labMachine().open();
  await grantDevice(host, nic);
  const before = host.machine.snapshot();
  const qemu = host.machine.process({ user: "alex", comm: "qemu-system-x86" });
  // alex opens the node between the check and the first write: as the record of the revoke is appended.
  host.machine.on("before", { operation: "appendFile" }, () => void host.machine.holdGroup(qemu, 11));
  await assert.rejects(revokeDevice(host, "01:00.0"), (error) => isHostdevError(error, "HD_GROUP_HELD"));
  const unbinds = host.machine.log.filter(({ path }) => path.endsWith("/unbind"));
  assert.equal(unbinds.length, 1); // the grant's own
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot(), [ofQemu, ofRecord]), []);
  assert.equal(readRecords(host)[0]?.operation, "grant");
  host.machine.processes.end(qemu.pid);
  await revokeDevice(host, "01:00.0");
});

test("revokeDevice() takes the name of a mate of the lent device too", async () => {
  const host = labMachine().open();
  await grantDevice(host, { ...nic, device: "04:02.0", hold: ["0000:04:01.0", "0000:04:03.0"], acceptNoReset: true });
  assert.equal((await revokeDevice(host, "04:01.0")).grant.id, "0000:04:02.0");
});

test("revokeDevice() tells what is not lent from what is not there", async () => {
  const host = labMachine().open();
  await assert.rejects(revokeDevice(host, "02:00.0"), (error) => isHostdevError(error, "HD_NOT_GRANTED"));
  await assert.rejects(revokeDevice(host, "77:00.0"), (error) => isHostdevError(error, "HD_DEVICE_NOT_FOUND"));
});

test("revokeDevice() after a reboot only removes what is on the disk", async () => {
  const host = labMachine().open();
  await grantDevice(host, nic);
  host.machine.reboot();
  const admin = host.machine.open();
  const { steps } = await previewRevoke(admin, "01:00.0");
  assert.deepEqual(
    steps.map((step) => step.kind),
    ["unit", "file"],
  );
  await revokeDevice(admin, "01:00.0");
  assert.equal(admin.status("/etc/security/limits.d/hostdev-1000.conf"), undefined);
  assert.equal(admin.status("/var/lib/hostdev"), undefined);
});
