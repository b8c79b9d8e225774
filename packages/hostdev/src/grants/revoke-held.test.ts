// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeHost } from "../../test/fake-host/fake-host.ts";
import type { FakeProcess } from "../../test/fake-host/fake-process.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots, type Snapshot } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { grantDevice } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { revokeDevice } from "./revoke-device.ts";
import { readRecords } from "./store.ts";

const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const node = "/dev/vfio/11";
const isHeld = (error: unknown) => isHostdevError(error, "HD_GROUP_HELD");

/** alex's VM has the NIC. */
async function running(): Promise<{ host: FakeHost; before: Snapshot; qemu: FakeProcess }> {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, nic);
  const qemu = host.machine.process({ user: "alex", comm: "qemu-system-x86", cmdline: ["qemu", "-name", "vm"] });
  host.machine.holdGroup(qemu, 11);
  return { host, before, qemu };
}

const unbinds = (host: FakeHost) => host.machine.log.filter(({ path }) => path.endsWith("/unbind")).length;

test("revokeDevice() that waits takes the node first, tells who has the device, and goes on when he lets go", async () => {
  const { host, before, qemu } = await running();
  host.machine.clock.schedule(20_000, () => host.machine.processes.end(qemu.pid));
  const told: string[] = [];
  await revokeDevice(
    host,
    "01:00.0",
    { waitMs: 60_000 },
    {
      onHolders: (holders, act) => {
        assert.equal(host.status(node)?.uid, 0);
        told.push(`${act} ${holders.map(({ pid, vm }) => `${pid} ${vm}`)}`);
      },
    },
  );
  assert.deepEqual(told, [`wait ${qemu.pid} vm`]);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("revokeDevice() whose wait runs out gives the node back, and the grant is in force as before", async () => {
  const { host, qemu } = await running();
  const before = host.machine.snapshot();
  await assert.rejects(revokeDevice(host, "01:00.0", { waitMs: 5000 }), isHeld);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot(), [/^files \/var\/lib\/hostdev/]), []);
  assert.deepEqual(await recover(host), []); // nothing is half-way
  host.machine.processes.end(qemu.pid);
  await revokeDevice(host, "01:00.0");
});

test("revokeDevice() of a user whose time is over keeps the node from him", async () => {
  const { host, qemu } = await running();
  await assert.rejects(revokeDevice(host, "01:00.0", { waitMs: 5000, isOver: true }), isHeld);
  assert.equal(host.status(node)?.uid, 0);
  assert.equal(readRecords(host)[0]?.isComplete, true);
  host.machine.processes.end(qemu.pid);
  await revokeDevice(host, "01:00.0");
});

test("revokeDevice() interrupted while it waits leaves everything as it was", async () => {
  const { host } = await running();
  const before = host.machine.snapshot();
  const controller = new AbortController();
  host.machine.clock.schedule(3000, () => controller.abort("SIGINT"));
  await assert.rejects(revokeDevice(host, "01:00.0", { waitMs: 60_000 }, { signal: controller.signal }), (error) =>
    isHostdevError(error, "HD_INTERRUPTED"),
  );
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot(), [/^files \/var\/lib\/hostdev/]), []);
});

test("revokeDevice() that may kill asks with SIGTERM first", async () => {
  const { host, before, qemu } = await running();
  const signals: string[] = [];
  qemu.onSignal = (signal) => {
    signals.push(signal);
    host.machine.clock.schedule(1000, () => host.machine.processes.end(qemu.pid));
  };
  await revokeDevice(host, "01:00.0", { kill: true });
  assert.deepEqual(signals, ["SIGTERM"]);
  assert.equal(host.machine.log.filter(({ operation }) => operation === "kill").length, 1);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("revokeDevice() that may kill ends with SIGKILL who does not heed SIGTERM", async () => {
  const { host, before, qemu } = await running();
  qemu.onSignal = () => {};
  const acts: string[] = [];
  await revokeDevice(host, "01:00.0", { kill: true, graceMs: 2000 }, { onHolders: (_, act) => acts.push(act) });
  assert.deepEqual(acts, ["SIGTERM", "SIGKILL"]);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("revokeDevice() that may kill gives up on a process that the kernel does not end", async () => {
  const { host, qemu } = await running();
  qemu.state = "D";
  await assert.rejects(revokeDevice(host, "01:00.0", { kill: true }), isHeld);
  assert.equal(host.status(node)?.uid, 1000);
  assert.equal(unbinds(host), 1); // the grant's own
});

test("revokeDevice() never signals a later process with the pid of a holder", async () => {
  const { host, qemu } = await running();
  const other = host.machine.process({ user: "bea", comm: "innocent" });
  const kill = host.kill.bind(host);
  host.kill = (pid, signal) => {
    assert.notEqual(pid, other.pid);
    return kill(pid, signal);
  };
  // The VM ends between the look and the signal, and another process opens nothing.
  host.machine.on("before", { operation: "kill" }, () => assert.fail("nobody is left to be signalled"));
  const told = () => host.machine.processes.end(qemu.pid);
  await revokeDevice(host, "01:00.0", { kill: true }, { onHolders: told });
});

test("revokeDevice() heeds a device file that is open without its group's node", async () => {
  const host = labMachine().open();
  await grantDevice(host, nic);
  const sneaky = host.machine.process({ user: "alex", comm: "sneaky" });
  host.machine.holdGroup(sneaky, 11).hideNode();
  for (const options of [{}, { waitMs: 1000 }, { kill: true }]) {
    await assert.rejects(
      revokeDevice(host, "01:00.0", options),
      (error) => isHeld(error) && String(error).includes("no process shows it"),
    );
  }
  assert.equal(unbinds(host), 1);
  host.machine.processes.end(sneaky.pid);
  await revokeDevice(host, "01:00.0");
});
