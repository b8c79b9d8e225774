// SPDX-License-Identifier: Apache-2.0

/*
 * Somebody plants or exchanges files where root writes or changes an owner. Only root can write there in the first place; all the
 * same nothing of root's may be lost, and the machine must be as before.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeMachine } from "../../test/fake-host/fake-machine.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { symlink } from "../../test/fake-host/nodes.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { auditPath } from "./audit.ts";
import { grantDevice } from "./grant-device.ts";
import { recordsDirectory } from "./paths.ts";
import { recover } from "./recover.ts";
import { revokeDevice } from "./revoke-device.ts";

const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const node = "/dev/vfio/11";
const limits = "/etc/security/limits.d/hostdev-1000.conf";
const record = `${recordsDirectory}/0000:01:00.0.jsonl`;
const victim = "/etc/shadow";

/** The usual machine, with a file that must stay as it is, whoever is fooled. */
function machineWithVictim(): FakeMachine {
  const machine = labMachine().build();
  machine.open().writeFile(victim, "root:secret\n", 0o640);
  machine.log.length = 0;
  return machine;
}

function plant(machine: FakeMachine, path: string): void {
  machine.fs.remove(path);
  machine.fs.add(path, symlink(victim));
}

function assertUnharmed(machine: FakeMachine): void {
  const { kind, mode, uid } = machine.open().status(victim) ?? {};
  assert.deepEqual([kind, mode, uid, machine.open().readText(victim)], ["file", 0o640, 0, "root:secret\n"]);
}

test("a link in place of the group's node, put there as the owner is about to change: refused, the rest undone", async () => {
  const machine = machineWithVictim();
  const before = machine.snapshot();
  machine.on("before", { operation: "setOwnership", path: node }, () => plant(machine, node));
  await assert.rejects(grantDevice(machine.open(), nic), (error) => isHostdevError(error, "HD_UNDO_INCOMPLETE"));
  assertUnharmed(machine);
  assert.equal(machine.function("0000:01:00.0").driver?.name, "e1000e");
  machine.fs.remove(node);
  await recover(machine.open());
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
});

test("something else than a character device in place of the node is not given away", async () => {
  const machine = machineWithVictim();
  machine.on("after", { operation: "writeFile", path: limits }, () => {
    machine.fs.remove(node);
    machine.fs.add(node, { kind: "file", content: "", mode: 0o600, uid: 0, gid: 0 });
  });
  await assert.rejects(grantDevice(machine.open(), nic), (error) => isHostdevError(error, "HD_STATE_CONFLICT"));
  assert.notEqual(machine.open().status(node)?.uid, 1000);
});

test("a link in place of the user's limits: the file behind it is neither written nor removed", async () => {
  for (const when of ["planted beforehand", "planted in the middle"]) {
    const machine = machineWithVictim();
    if (when === "planted beforehand") plant(machine, limits);
    else machine.on("before", { operation: "writeFile", path: limits }, () => plant(machine, limits));
    await grantDevice(machine.open(), nic).catch((error: unknown) => assert.ok(isHostdevError(error), String(error)));
    await revokeDevice(machine.open(), "01:00.0").catch(() => {});
    await recover(machine.open()).catch(() => {});
    assertUnharmed(machine);
  }
});

test("a link in place of the record, or of the file that it is prepared in, is replaced", async () => {
  const machine = machineWithVictim();
  const host = machine.open();
  machine.on("before", { operation: "writeFile", path: record }, () => {
    plant(machine, record);
    plant(machine, `${recordsDirectory}/.0000:01:00.0.jsonl.new`);
  });
  await grantDevice(host, nic);
  assert.equal(host.status(record)?.kind, "file");
  await revokeDevice(host, "01:00.0");
  assertUnharmed(machine);
});

test("a link in place of the record while steps are announced stops the grant before the next step", async () => {
  const machine = machineWithVictim();
  machine.on("before", { operation: "appendFile", path: record }, () => plant(machine, record));
  await assert.rejects(grantDevice(machine.open(), nic), (error) => isHostdevError(error));
  assertUnharmed(machine);
  assert.equal(machine.function("0000:01:00.0").driver?.name, "e1000e");
});

test("a link in place of the log is not followed, and told of", async () => {
  const machine = machineWithVictim();
  machine.fs.remove("/run/systemd/journal/socket");
  machine.fs.directory("/var/log");
  plant(machine, auditPath);
  const warnings: string[] = [];
  await grantDevice(machine.open(), nic, { onWarning: (text) => void warnings.push(text) });
  assert.match(warnings[0] ?? "", /log cannot be written.*hostdev\.log/);
  assertUnharmed(machine);
});

test("a process that has got the pid of a user's process meanwhile gets no limit", async () => {
  const machine = labMachine().build();
  const { pid } = machine.process({ user: "alex", comm: "editor" });
  // While the limit of the user's first process is set, another one ends, and a daemon of root's gets its pid.
  machine.on("before", { operation: "run", path: "prlimit" }, () => {
    machine.processes.end(pid);
    machine.clock.pass(1000);
    machine.processes.start({ uid: 0, gid: 0, comm: "daemon" }, pid);
  });
  await grantDevice(machine.open(), nic);
  assert.deepEqual(machine.processes.get(pid)?.memlock, { soft: 8 * MiB, hard: 8 * MiB });
  await revokeDevice(machine.open(), "01:00.0");
  const touched = machine.log.filter(({ path, value }) => path === "prlimit" && value.includes(`--pid ${pid} `));
  assert.deepEqual(touched, []);
});
