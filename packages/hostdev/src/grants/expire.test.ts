// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CrashMoment } from "../../test/fake-host/crash.ts";
import type { FakeHost } from "../../test/fake-host/fake-host.ts";
import { killed } from "../../test/fake-host/kill.ts";
import { fakeMachine } from "../../test/fake-host/machine-builder.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { expire } from "./expire.ts";
import type { GrantRequest } from "./grant.ts";
import { grantDevice } from "./grant-device.ts";
import { commandLine, formatLeaseTimer, leaseServicePath, leaseTimerPath } from "./lease-units.ts";
import { recover } from "./recover.ts";
import { revokeDevice } from "./revoke-device.ts";
import { readStanding } from "./state.ts";
import { readRecords } from "./store.ts";

const minute = 60_000;
const nic: GrantRequest = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const disk: GrantRequest = { ...nic, device: "02:00.0", user: "bea" };

/** The same request for so long. */
function leased(host: FakeHost, request: GrantRequest, minutes: number): GrantRequest {
  const expiresAt = new Date(host.machine.clock.now + minutes * minute).toISOString();
  return { ...request, lease: { expiresAt } };
}

const states = (host: FakeHost) => readRecords(host).map((record) => readStanding(host, record).state);

test("grantDevice() for a time starts a timer, which goes with the last lease, whichever that is", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, nic);
  assert.equal(host.status(leaseTimerPath), undefined);
  await revokeDevice(host, "01:00.0");
  for (const [first, second] of [
    ["01:00.0", "02:00.0"],
    ["02:00.0", "01:00.0"],
  ] as const) {
    await grantDevice(host, leased(host, nic, 60));
    assert.ok(host.machine.systemd.isActive("hostdev-expire.timer"));
    assert.match(host.readText(leaseServicePath) ?? "", /^ExecStart=\/usr\/bin\/node \S+hostdev-admin\.js expire$/m);
    await grantDevice(host, leased(host, disk, 90));
    assert.equal(host.readText(leaseTimerPath)?.match(/^OnCalendar=/gm)?.length, 6);
    await revokeDevice(host, first);
    assert.equal(host.readText(leaseTimerPath)?.match(/^OnCalendar=/gm)?.length, 3);
    assert.ok(host.machine.systemd.isActive("hostdev-expire.timer"));
    assert.ok(host.status(leaseServicePath) !== undefined);
    await revokeDevice(host, second);
    assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
  }
});

test("grantDevice() for a time refuses where somebody other than root could change what the timer runs", async () => {
  const script = "/usr/lib/hostdev/hostdev-admin.js";
  const machine = labMachine().file(script, "").build();
  Object.assign(machine.fs.find(script) ?? {}, { mode: 0o664 });
  const host = machine.open();
  const before = machine.snapshot();
  await assert.rejects(grantDevice(host, leased(host, nic, 60)), (error) => {
    assert.ok(isHostdevError(error, "HD_PROGRAM_WRITABLE"));
    const folder = "/usr/lib/hostdev";
    assert.deepEqual(error.details, { path: script, owner: "0:0", mode: "0664", program: script, folder });
    return true;
  });
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
  await grantDevice(host, nic); // without an end no unit runs it
});

test("expire() takes back what is over, and only that", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, leased(host, nic, 60));
  await grantDevice(host, leased(host, disk, 90));
  assert.deepEqual(await expire(host), []);
  host.machine.clock.pass(60 * minute);
  assert.deepEqual(states(host), ["expired", "active"]);
  assert.deepEqual(
    (await expire(host)).map(({ grant, outcome }) => `${grant.id} ${outcome}`),
    ["0000:01:00.0 revoked"],
  );
  assert.deepEqual(states(host), ["active"]);
  host.machine.clock.pass(30 * minute);
  assert.equal((await expire(host)).length, 1);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("expire() with a VM that is waited for: no new start at once, the device when it has ended", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, leased(host, nic, 60));
  const qemu = host.machine.process({ user: "alex", comm: "qemu", cmdline: ["qemu", "-name", "course"] });
  const held = host.machine.holdGroup(qemu, 11);
  host.machine.clock.pass(60 * minute);
  const [expiry] = await expire(host);
  assert.equal(expiry?.outcome, "expiring");
  assert.equal(expiry.holders[0]?.vm, "course");
  assert.equal(host.status("/dev/vfio/11")?.uid, 0);
  assert.deepEqual(states(host), ["expiring"]);
  assert.equal((await expire(host))[0]?.outcome, "expiring");
  held.close();
  host.machine.processes.end(qemu.pid);
  assert.equal((await expire(host))[0]?.outcome, "revoked");
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("expire() ends a VM where the grant says so, asking it first", async () => {
  const host = labMachine().open();
  await grantDevice(host, { ...nic, lease: { ...leased(host, nic, 60).lease, onExpiry: "kill" } });
  const qemu = host.machine.process({ user: "alex", comm: "qemu", cmdline: ["qemu", "-name", "course"] });
  host.machine.holdGroup(qemu, 11);
  await expire(host);
  assert.equal(host.machine.processes.get(qemu.pid), qemu); // its time is not over yet
  host.machine.clock.pass(60 * minute);
  assert.equal((await expire(host))[0]?.outcome, "revoked");
  assert.equal(host.machine.processes.get(qemu.pid), undefined);
  assert.deepEqual(
    host.machine.log.filter(({ operation }) => operation === "kill").map(({ value }) => value),
    ["SIGTERM"],
  );
});

test("expire() with nothing to do takes no lock, and while something is interrupted it still closes the node", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await grantDevice(host, leased(host, nic, 60));
  const release = await machine.open().lock("/run/hostdev.lock");
  assert.deepEqual(await expire(host), []);
  release();
  const second = machine.open();
  assert.ok(await killed(second, 8, "after", () => grantDevice(second, disk)));
  machine.clock.pass(60 * minute);
  await assert.rejects(expire(host), (error) => isHostdevError(error, "HD_RECOVERY_NEEDED"));
  assert.equal(host.status("/dev/vfio/11")?.uid, 0);
  await recover(host);
  assert.equal((await expire(host))[0]?.outcome, "revoked");
});

test("expire() goes on with the other leases when one cannot be ended", async () => {
  const host = labMachine().open();
  await grantDevice(host, leased(host, nic, 60));
  await grantDevice(host, leased(host, disk, 60));
  host.machine.clock.pass(60 * minute);
  host.machine.failOn({ operation: "writeKernel", path: /0000:01:00\.0\/driver\/unbind$/, errno: "EIO", times: 1 });
  await assert.rejects(expire(host), (error) => isHostdevError(error, "HD_UNDO_INCOMPLETE"));
  assert.equal(host.machine.function("0000:01:00.0").driver?.name, "vfio-pci");
  await recover(host);
  await expire(host);
  assert.deepEqual(states(host), []);
});

for (const moment of ["before", "torn", "after"] satisfies CrashMoment[]) {
  test(`expire() killed ${moment} any of its operations, and recover(): run again, nothing is left`, async () => {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const before = machine.snapshot();
      const host = machine.open();
      await grantDevice(host, leased(host, nic, 60));
      machine.clock.pass(60 * minute);
      const isKilled = await killed(host, n, moment, () => expire(host));
      const admin = machine.open();
      await recover(admin);
      await expire(admin);
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
      if (!isKilled) break;
    }
  });

  test(`recover() after a kill ${moment} any operation of a lease's grant: nothing, or all of it`, async () => {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const host = machine.open();
      await grantDevice(host, leased(host, disk, 90));
      const before = machine.snapshot();
      const second = machine.open();
      const isKilled = await killed(second, n, moment, () => grantDevice(second, leased(host, nic, 60)));
      const admin = machine.open();
      await recover(admin);
      if (readRecords(admin).length === 2) await revokeDevice(admin, "01:00.0");
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
      if (!isKilled) break;
    }
  });
}

test("without systemd a lease has no timer, and no unit files", async () => {
  const machine = fakeMachine().iommu().function("0000:00:05.0", { driver: "e1000e", group: 9 }).user("alex", 1000);
  const host = machine.open();
  await grantDevice(host, leased(host, { ...nic, device: "00:05.0" }, 60));
  assert.deepEqual(host.list("/etc/systemd/system"), []);
  host.machine.clock.pass(60 * minute);
  assert.equal((await expire(host))[0]?.outcome, "revoked");
});

test("formatLeaseTimer() has every end once, in order; commandLine() quotes", () => {
  const lease = (expiresAt: string | null) => ({ expiresAt, isPersistent: false, onExpiry: "wait" }) as const;
  const ends = ["2026-11-28T18:00:00.000Z", "2026-11-28T02:00:00.001Z", null, "2026-11-28T18:00:00.000Z"].map(lease);
  assert.match(
    formatLeaseTimer(ends) ?? "",
    /^OnCalendar=2026-11-28 02:00:01 UTC\nOnCalendar=2026-11-28 02:01:01 UTC\nOnCalendar=2026-11-28 02:10:01 UTC\nOnCalendar=2026-11-28 18:00:00 UTC\n/m,
  );
  assert.equal(formatLeaseTimer([lease(null)]), null);
  assert.equal(
    commandLine(["/usr/bin/node", '/opt/a "b" 5%$x', "expire"]),
    '/usr/bin/node "/opt/a \\"b\\" 5%%$$x" expire',
  );
});
