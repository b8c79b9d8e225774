// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CrashMoment } from "../../test/fake-host/crash.ts";
import type { FakeHost } from "../../test/fake-host/fake-host.ts";
import type { FakeMachine } from "../../test/fake-host/fake-machine.ts";
import { killed } from "../../test/fake-host/kill.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import type { Topology } from "../../test/fake-host/topology.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { readMemlock } from "../memlock/limit.ts";
import { readBinding } from "../vfio/binding.ts";
import { expire } from "./expire.ts";
import type { GrantRequest } from "./grant.ts";
import { grantDevice } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { type Restoration, restore } from "./restore.ts";
import { previewRevoke, revokeDevice } from "./revoke-device.ts";
import { readStanding } from "./state.ts";
import { readRecords } from "./store.ts";

const lease = { isPersistent: true };
const nic: GrantRequest = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [], lease };
const edu: GrantRequest = { ...nic, device: "04:02.0", hold: ["0000:04:01.0", "0000:04:03.0"], acceptNoReset: true };
const limits = "/etc/security/limits.d/hostdev-1000.conf";
const records = /^files \/var\/lib\/hostdev/;

/** What a restore did, in short. */
async function restored(host: FakeHost): Promise<readonly string[]> {
  const done: readonly Restoration[] = (await restore(host)) ?? [];
  return done.map(({ grant, outcome, reason }) => `${grant.device} ${outcome}${reason === null ? "" : `: ${reason}`}`);
}

const states = (host: FakeHost) => readRecords(host).map((record) => readStanding(host, record).state);

/** Grants, then a boot with other hardware. @returns a program in the new boot. */
async function bootedWith(
  machine: FakeMachine,
  requests: readonly GrantRequest[],
  change?: (topology: Topology) => void,
): Promise<FakeHost> {
  for (const request of requests) await grantDevice(machine.open(), request);
  machine.reboot(change);
  return machine.open();
}

test("restore() brings persistent grants back, in whatever group they are now, and a revoke leaves nothing", async () => {
  const machine = labMachine().build();
  machine.reboot();
  const fresh = machine.snapshot();
  const host = await bootedWith(machine, [nic, edu], (topology) => topology.change("0000:01:00.0", { group: 71 }));
  assert.deepEqual(states(host), ["waiting", "waiting"]);
  assert.equal(host.status("/dev/vfio/71"), undefined);
  assert.deepEqual(await restored(host), ["0000:01:00.0 restored", "0000:04:02.0 restored"]);
  assert.deepEqual(states(host), ["active", "active"]);
  assert.equal(host.status("/dev/vfio/71")?.uid, 1000);
  assert.equal(host.status("/dev/vfio/13")?.uid, 1000);
  assert.equal(readBinding(host, "0000:04:03.0").driver, "pci-stub");
  const once = machine.snapshot();
  assert.deepEqual(await restored(host), ["0000:01:00.0 active", "0000:04:02.0 active"]);
  assert.deepEqual(diffSnapshots(once, machine.snapshot()), []);
  await revokeDevice(host, "01:00.0");
  await revokeDevice(host, "04:02.0");
  assert.deepEqual(diffSnapshots(fresh, machine.snapshot(), [/numbers? of groups/]), []);
});

test("restore() removes what a reboot or the time has ended, and keeps the limits of the rest", async () => {
  const machine = labMachine().build();
  const expiresAt = new Date(machine.clock.now + 10_000).toISOString(); // while the machine is off
  const host = await bootedWith(machine, [
    nic,
    { ...edu, lease: { isPersistent: false } },
    { ...nic, device: "02:00.0", user: "bea", lease: { isPersistent: true, expiresAt } },
  ]);
  assert.deepEqual(states(host), ["waiting", "expired", "lost"]);
  assert.deepEqual(await restored(host), ["0000:02:00.0 removed", "0000:04:02.0 removed", "0000:01:00.0 restored"]);
  assert.match(host.readText(limits) ?? "", new RegExp(`memlock ${1280 * 1024}$`, "m"));
  assert.equal(host.status("/etc/security/limits.d/hostdev-1001.conf"), undefined);
  assert.equal(host.status("/etc/systemd/system/hostdev-expire.timer"), undefined);
  assert.equal(host.machine.systemd.isActive("hostdev-expire.timer"), false);
  assert.equal(host.machine.function("0000:02:00.0").driver?.name, "nvme");
});

test("restore() starts the timer of a lease again, and expire() ends it", async () => {
  const machine = labMachine().build();
  const expiresAt = new Date(machine.clock.now + 3_600_000).toISOString();
  const host = await bootedWith(machine, [{ ...nic, lease: { isPersistent: true, expiresAt } }]);
  assert.equal(machine.systemd.isActive("hostdev-expire.timer"), false);
  await restore(host);
  assert.equal(machine.systemd.isActive("hostdev-expire.timer"), true);
  machine.clock.pass(3_600_000);
  assert.equal((await expire(host))[0]?.outcome, "revoked");
  assert.deepEqual(readRecords(host), []);
});

test("restore() lets a grant wait, with the reason, for whatever is not as it was lent", async () => {
  const cases: readonly (readonly [string, (topology: Topology) => void, RegExp])[] = [
    ["gone", (topology) => topology.functions.delete("0000:01:00.0"), /0000:01:00\.0 .* is not there/],
    ["other card", (topology) => topology.change("0000:01:00.0", { ids: "10ec:8168" }), /another card is in the slot/],
    ["twin", (topology) => topology.change("0000:01:00.0", { serial: "525400ffff999999" }), /a twin is in the slot/],
    ["in use", (topology) => topology.change("0000:01:00.0", { net: "uplink" }), /host lives on .*uplink/],
    ["mate", (topology) => topology.add({ address: "0000:01:00.1", group: 11 }), /group 11 has 0000:01:00\.1 too now/],
  ];
  const route = "Iface\tDestination\tGateway \tFlags\nuplink\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
  for (const [what, change, reason] of cases) {
    const machine = labMachine().file("/proc/net/route", route).build();
    const host = await bootedWith(machine, [nic], change);
    const before = machine.snapshot();
    const [line = ""] = await restored(host);
    assert.match(line, /^0000:01:00\.0 waiting: /, what);
    assert.match(line, reason, what);
    assert.deepEqual(diffSnapshots(before, machine.snapshot(), [records]), [], what);
    const text = host.readText("/var/lib/hostdev/grants/0000:01:00.0.jsonl");
    await restore(host); // says the same again, and does not write it again
    assert.equal(host.readText("/var/lib/hostdev/grants/0000:01:00.0.jsonl"), text);
    assert.match(readStanding(host, readRecords(host)[0] as never).reason ?? "", reason);
    await revokeDevice(host, { id: "0000:01:00.0" });
    assert.equal(host.status(limits), undefined);
  }
});

test("restore() lets a grant wait whose user is gone, or has another uid", async () => {
  const machine = labMachine().build();
  const host = await bootedWith(machine, [nic]);
  machine.command("getent", () => ({ status: 2 }), { mutates: false });
  assert.match((await restored(host))[0] ?? "", /waiting: There is no user "alex"/);
  machine.command("getent", () => ({ stdout: "alex:x:1005:1005::/home/alex:/bin/sh\n" }), { mutates: false });
  assert.match((await restored(host))[0] ?? "", /waiting: "alex" has the uid 1005 now, not 1000/);
});

test("restore() restores a waiting grant as soon as its device is back, also in the same boot", async () => {
  const machine = labMachine().build();
  const host = await bootedWith(machine, [nic]);
  machine.failOn({ operation: "writeKernel", path: "/sys/bus/pci/drivers_probe", errno: "EIO", times: 1 });
  const before = machine.snapshot();
  assert.match((await restored(host))[0] ?? "", /waiting: /);
  assert.deepEqual(diffSnapshots(before, machine.snapshot(), [records]), []);
  assert.deepEqual(await restored(host), ["0000:01:00.0 restored"]);
});

test("restore() follows a card to another address, and a new grant may have the old one", async () => {
  const machine = labMachine().build();
  const host = await bootedWith(machine, [nic], (topology) => {
    const spec = topology.functions.get("0000:01:00.0");
    topology.functions.delete("0000:05:00.0");
    topology.functions.delete("0000:01:00.0");
    topology.add({ ...spec, address: "0000:05:00.0", group: 14 });
    topology.add({ address: "0000:01:00.0", ids: "10ec:8168", driver: "r8169", group: 11 });
  });
  assert.deepEqual(await restored(host), ["0000:05:00.0 restored"]);
  const other = await grantDevice(host, { ...nic, user: "bea" });
  assert.equal(other.id, "0000:01:00.0~2");
  assert.equal(other.device, "0000:01:00.0");
  machine.reboot();
  const next = machine.open();
  // What waits is named by its id: the address may be another's.
  await assert.rejects(revokeDevice(next, "grant:0000:77:00.0"), (error) => isHostdevError(error, "HD_NOT_GRANTED"));
  assert.equal((await previewRevoke(next, "grant:0000:01:00.0")).grant.device, "0000:05:00.0");
  assert.deepEqual((await restored(next)).toSorted(), ["0000:01:00.0 restored", "0000:05:00.0 restored"]);
  assert.equal((await revokeDevice(next, "01:00.0")).grant.user.name, "bea");
  assert.equal((await revokeDevice(next, "05:00.0")).grant.user.name, "alex");
  assert.deepEqual(readRecords(next), []);
});

test("restore() raises a user's processes by no more than the grant, and a revoke lowers them again", async () => {
  const machine = labMachine().build();
  const host = await bootedWith(machine, [nic]);
  const manager = machine.process({ user: "alex", comm: "systemd", memlock: { soft: 1280 * MiB, hard: 1280 * MiB } });
  const daemon = machine.process({ user: "alex", comm: "daemon" });
  await restore(host);
  const bytes = (pid: number) => readMemlock(host, pid)?.hardBytes;
  assert.deepEqual([bytes(manager.pid), bytes(daemon.pid)], [1280 * MiB, 1280 * MiB]);
  await revokeDevice(host, "01:00.0");
  assert.deepEqual([bytes(manager.pid), bytes(daemon.pid)], [8 * MiB, 8 * MiB]);
});

test("restore() holds a virtual function that somebody made to its MAC again, once it is there", async () => {
  const machine = labMachine().build();
  const device = "05:00.0";
  const vf = { index: 1, mac: "52:54:00:aa:00:01" } as const;
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  const host = await bootedWith(machine, [{ ...nic, device, vf }]);
  assert.match((await restored(host))[0] ?? "", /0000:05:10\.2 waiting: .* is not there/);
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  machine.write("/sys/bus/pci/devices/0000:05:10.2/driver/unbind", "0000:05:10.2"); // its own driver reads its MAC
  assert.deepEqual(await restored(host), ["0000:05:10.2 restored"]);
  assert.equal(machine.function("0000:05:10.2").settings.mac, "52:54:00:aa:00:01");
});

test("restore() does nothing with hostdev=off on the kernel's command line", async () => {
  const machine = labMachine().file("/proc/cmdline", "root=/dev/vda ro hostdev=off quiet\n").build();
  const host = await bootedWith(machine, [nic]);
  const before = machine.snapshot();
  assert.equal(await restore(host), undefined);
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
});

test("restore() finishes what was interrupted, and says so", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  assert.ok(await killed(host, 12, "after", () => grantDevice(host, edu)));
  assert.deepEqual(await restored(machine.open()), ["0000:04:02.0 finished"]);
  assert.deepEqual(readRecords(machine.open()), []);
});

test("restore() as an ordinary user, and beside another command, touches nothing", async () => {
  const machine = labMachine().build();
  const host = await bootedWith(machine, [nic]);
  const before = machine.snapshot();
  await assert.rejects(restore(machine.open("alex")), (error) => isHostdevError(error, "HD_NEEDS_ROOT"));
  const release = await host.lock("/run/hostdev.lock");
  await assert.rejects(restore(machine.open()), (error) => isHostdevError(error, "HD_LOCKED"));
  release();
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
});

for (const moment of ["before", "torn", "after"] satisfies CrashMoment[]) {
  test(`restore() killed ${moment} any of its operations: run again, it ends where it would have`, async () => {
    const whole = labMachine().build();
    await restore(await bootedWith(whole, [nic, edu]));
    const expected = whole.snapshot();
    let kills = 0;
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const host = await bootedWith(machine, [nic, edu]);
      if (!(await killed(host, n, moment, () => restore(host)))) break;
      kills += 1;
      // Half of the times an administrator looks after it first.
      if (n % 2 === 0) await recover(machine.open());
      await restore(machine.open());
      await restore(machine.open()); // what was interrupted waits, and the next one restores it
      assert.deepEqual(diffSnapshots(expected, machine.snapshot(), [records]), [], `kill ${moment} operation ${n}`);
    }
    assert.ok(kills > 20, `only ${kills} operations`);
  });

  test(`restore() after a power loss ${moment} any operation of a restore: the next boot has all of it`, async () => {
    const whole = labMachine().build();
    const last = await bootedWith(whole, [nic, edu]);
    await restore(last);
    whole.reboot();
    await restore(whole.open());
    const expected = whole.snapshot();
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const host = await bootedWith(machine, [nic, edu]);
      if (!(await killed(host, n, moment, () => restore(host)))) break;
      machine.reboot();
      const admin = machine.open();
      await restore(admin);
      await restore(admin);
      assert.deepEqual(
        diffSnapshots(expected, machine.snapshot(), [records]),
        [],
        `power loss ${moment} operation ${n}`,
      );
    }
  });
}
