// SPDX-License-Identifier: Apache-2.0

/** A command is killed while the kernel still works on what it has written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeMachine, labMachine } from "../../test/fake-host/index.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { grantDevice } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { restore } from "./restore.ts";
import { revokeDevice } from "./revoke-device.ts";

const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const unbind = { operation: "writeKernel", path: /0000:01:00\.0\/driver\/unbind$/ } as const;
const writers = (machine: FakeMachine) => machine.processes.all().filter(({ comm }) => comm === "dd");

/**
 * A revoke that is killed a second after its unbind began, which hangs, since somebody opened the device in between.
 *
 * @param slowMs how long that one has the device open.
 */
async function killedInUnbind(slowMs: number) {
  // On older kernels whoever looks at the override meanwhile hangs too; here that is an error.
  const machine = labMachine().overrideTakesLock().build();
  const before = machine.snapshot();
  await grantDevice(machine.open(), nic);
  const host = machine.open();
  machine.faults.on("before", unbind, () => {
    const qemu = machine.process({ user: "root", comm: "qemu-system-x86" });
    machine.holdGroup(qemu, 11);
    machine.clock.schedule(1000, () => machine.processes.end(host.process.pid));
    machine.clock.schedule(slowMs, () => machine.processes.end(qemu.pid));
  });
  await assert.rejects(revokeDevice(host, "01:00.0"));
  assert.equal(machine.processes.get(host.process.pid), undefined);
  assert.equal(writers(machine).length, 1, "the write goes on");
  return { machine, before, admin: machine.open() };
}

test("recover() waits for a write that a kill has left, tells of it, and then completes the revoke", async () => {
  const { machine, before, admin } = await killedInUnbind(20_000);
  const warnings: string[] = [];
  const start = admin.now().getTime();
  const [recovery] = await recover(admin, { onWarning: (text) => warnings.push(text) });
  assert.equal(recovery?.outcome, "completed");
  const waitedMs = admin.now().getTime() - start;
  assert.ok(waitedMs >= 19_000 && waitedMs < 21_000, `waited ${waitedMs} ms`);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^waiting up to 8\d s for process \d+ .*\/driver\/unbind$/);
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
});

test("recover() is silent about a short wait", async () => {
  const { machine, before, admin } = await killedInUnbind(2500);
  await recover(admin, { onWarning: (text) => assert.fail(text) });
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
});

for (const [name, act] of Object.entries({ recover, restore })) {
  test(`${name}() gives up after 90 seconds, names the process, and has touched nothing; later it goes on`, async () => {
    const { machine, before, admin } = await killedInUnbind(1_000_000);
    const [writer] = writers(machine);
    const done = machine.log.length;
    await assert.rejects(act(admin), (error) => {
      assert.ok(isHostdevError(error, "HD_LEFTOVER_WRITE"));
      assert.equal(error.details.pid, writer?.pid);
      assert.match(error.hint ?? "", new RegExp(`/proc/${writer?.pid}/stack; .*hostdev-admin recover$`));
      return true;
    });
    assert.deepEqual(
      machine.log.slice(done).filter(({ operation, path }) => operation !== "lock" && path !== "logger"),
      [],
    );
    machine.clock.pass(1_000_000);
    await act(machine.open());
    assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
  });
}

test("recover() stops waiting at a signal, with nothing touched", async () => {
  const { machine, admin } = await killedInUnbind(20_000);
  const controller = new AbortController();
  machine.clock.schedule(5000, () => controller.abort("SIGINT"));
  await assert.rejects(recover(admin, { signal: controller.signal }), (error) =>
    isHostdevError(error, "HD_INTERRUPTED"),
  );
  assert.equal(writers(machine).length, 1);
});

test("recover() does not wait for what is written to devices that it has nothing to do with, nor for users", async () => {
  const { machine, admin } = await killedInUnbind(3000);
  const other = "of=/sys/bus/pci/devices/0000:02:00.0/reset";
  machine.process({ user: "root", comm: "dd", cmdline: ["/bin/dd", other] });
  machine.process({ user: "alex", comm: "dd", cmdline: ["/bin/dd", "of=/sys/bus/pci/devices/0000:01:00.0/reset"] });
  assert.equal((await recover(admin)).length, 1);
});

test("recover() waits for modprobe, too", async () => {
  const { machine, admin } = await killedInUnbind(2000);
  const command = ["modprobe", "-r", "--", "vfio-pci"];
  const modprobe = machine.process({ user: "root", comm: "modprobe", cmdline: command });
  machine.clock.schedule(30_000, () => machine.processes.end(modprobe.pid));
  const start = admin.now().getTime();
  await recover(admin);
  assert.ok(admin.now().getTime() - start >= 28_000);
});
