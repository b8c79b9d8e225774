// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CrashMoment } from "../../test/fake-host/crash.ts";
import { killed } from "../../test/fake-host/kill.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import type { GrantRequest } from "./grant.ts";
import { grantDevice } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { revokeDevice } from "./revoke-device.ts";
import { readRecords } from "./store.ts";

const edu: GrantRequest = {
  device: "04:02.0",
  user: "alex",
  memoryBytes: 256 * MiB,
  hold: ["0000:04:01.0", "0000:04:03.0"],
  acceptNoReset: true,
  force: [],
};
const moments: readonly CrashMoment[] = ["before", "torn", "after"];

for (const moment of moments) {
  test(`recover() after a kill ${moment} any operation of a grant: either nothing is lent, or it is in force`, async () => {
    let kills = 0;
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const before = machine.snapshot();
      const host = machine.open();
      if (!(await killed(host, n, moment, () => grantDevice(host, edu)))) break;
      kills += 1;
      const admin = machine.open();
      await recover(admin);
      const isGranted = readRecords(admin).length === 1;
      if (isGranted) await revokeDevice(admin, "04:02.0");
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
    }
    assert.ok(kills > 10, `only ${kills} operations`);
  });

  test(`recover() after a kill ${moment} any operation of a revoke: nothing is lent`, async () => {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const before = machine.snapshot();
      await grantDevice(machine.open(), edu);
      const host = machine.open();
      if (!(await killed(host, n, moment, () => revokeDevice(host, "04:02.0")))) break;
      const admin = machine.open();
      await recover(admin);
      if (readRecords(admin).length === 1) await revokeDevice(admin, "04:02.0"); // killed before it was announced
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
    }
  });

  test(`recover() after a power loss ${moment} any operation of a grant: the next boot has nothing of it`, async () => {
    const fresh = labMachine().build();
    fresh.reboot();
    const expected = fresh.snapshot();
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const host = machine.open();
      if (!(await killed(host, n, moment, () => grantDevice(host, edu)))) break;
      machine.reboot();
      const admin = machine.open();
      await recover(admin);
      if (readRecords(admin).length === 1) await revokeDevice(admin, "04:02.0");
      assert.deepEqual(diffSnapshots(expected, machine.snapshot()), [], `power loss ${moment} operation ${n}`);
    }
  });

  test(`recover() killed ${moment} any operation of itself can be run again`, async () => {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const before = machine.snapshot();
      const host = machine.open();
      assert.equal(await killed(host, 12, "after", () => grantDevice(host, edu)), true);
      const second = machine.open();
      const isKilled = await killed(second, n, moment, () => recover(second));
      await recover(machine.open());
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
      if (!isKilled) break;
    }
  });
}

test("recover() says what it did", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await killed(host, 8, "after", () => grantDevice(host, edu));
  const [recovery] = await recover(machine.open());
  assert.equal(recovery?.interrupted, "grant");
  assert.equal(recovery?.outcome, "undone");
  assert.deepEqual(await recover(machine.open()), []);
});

test("grantDevice() and revokeDevice() refuse while something interrupted waits for recover()", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await killed(host, 8, "after", () => grantDevice(host, edu));
  const needsRecovery = (error: unknown) => isHostdevError(error, "HD_RECOVERY_NEEDED");
  await assert.rejects(grantDevice(machine.open(), { ...edu, device: "01:00.0", hold: [], force: [] }), needsRecovery);
  await assert.rejects(revokeDevice(machine.open(), "04:02.0"), needsRecovery);
});

test("recover() stops at what somebody else changed meanwhile, does the rest, and says what is left", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await killed(host, 12, "after", () => grantDevice(host, edu));
  machine.write("/sys/bus/pci/devices/0000:04:01.0/driver_override", "somebody-else");
  await assert.rejects(
    recover(machine.open()),
    (error) =>
      isHostdevError(error, "HD_UNDO_INCOMPLETE") && error.details.steps.some((step) => step.includes("0000:04:01.0")),
  );
  assert.equal(machine.function("0000:04:03.0").driver?.name, "snd_ens1370");
  machine.write("/sys/bus/pci/devices/0000:04:01.0/driver_override", "\n");
  await recover(machine.open());
  assert.equal(readRecords(machine.open()).length, 0);
});

test("a record whose last line a kill cut short can be written on", async () => {
  const machine = labMachine().build();
  const before = machine.snapshot();
  await grantDevice(machine.open(), edu);
  const host = machine.open();
  assert.equal(await killed(host, 2, "torn", () => revokeDevice(host, "04:02.0")), true); // 1 is the lock
  const second = machine.open();
  assert.equal(await killed(second, 4, "after", () => revokeDevice(second, "04:02.0")), true);
  const [recovery] = await recover(machine.open());
  assert.equal(recovery?.interrupted, "revoke");
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
});
