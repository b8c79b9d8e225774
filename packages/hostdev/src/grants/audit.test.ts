// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeMachine } from "../../test/fake-host/fake-machine.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { MiB } from "../core/units.ts";
import { auditPath } from "./audit.ts";
import { grantDevice } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { revokeDevice } from "./revoke-device.ts";

const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };

/** The lines that went to journald. */
function journal(machine: FakeMachine): readonly string[] {
  return machine.log.filter(({ path }) => path === "logger").map(({ value }) => value.split(" -- ")[1] ?? "");
}

test("grant and revoke are logged when they begin and end, with device, user, and who is behind sudo", async () => {
  const machine = labMachine().build();
  const host = machine.open("root", { environment: { SUDO_USER: "pat" } });
  await grantDevice(host, { ...nic, user: "1000" });
  await revokeDevice(host, "01:00.0");
  assert.deepEqual(journal(machine), [
    "grant of 0000:01:00.0 to alex by pat: begun",
    "grant of 0000:01:00.0 to alex by pat: done",
    "revoke of 0000:01:00.0 to alex by pat: begun",
    "revoke of 0000:01:00.0 to alex by pat: done",
  ]);
  const command = machine.log.find(({ path }) => path === "logger")?.value ?? "";
  assert.match(command, new RegExp(`^--id=${host.self.pid} -t hostdev -p authpriv\\.notice -- `));
});

test("what is refused and what fails is logged with the reason, on one line", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await assert.rejects(grantDevice(host, { ...nic, device: "x\nhostdev: grant of y: done" }));
  await assert.rejects(grantDevice(host, { ...nic, hold: ["0000:02:00.0"] }));
  machine.failOn({ operation: "setOwnership", errno: "EIO", times: 1 });
  await assert.rejects(grantDevice(host, nic));
  const lines = journal(machine);
  assert.match(lines[0] ?? "", /^grant of x\\x0ahostdev: grant of y: done to alex by root: refused: .*\(HD_/);
  assert.match(lines[1] ?? "", /refused: Cannot hold 0000:02:00\.0.* \(HD_NOT_A_MATE\)$/);
  assert.match(lines[2] ?? "", /begun$/);
  assert.match(lines[3] ?? "", /^grant of 0000:01:00\.0 to alex by root: failed: .* \(HD_FILE\)$/);
});

test("a recovery is logged", async () => {
  const machine = labMachine().build();
  await grantDevice(machine.open().crashAt(9), nic).catch(() => {});
  await recover(machine.open());
  assert.deepEqual(journal(machine).slice(-2), [
    "recovery of the grant of 0000:01:00.0 to alex by root: begun",
    "recovery of the grant of 0000:01:00.0 to alex by root: done",
  ]);
});

test("without journald a file of root's has the log, readable for root and its group only", async () => {
  const machine = labMachine().build();
  machine.fs.remove("/run/systemd/journal/socket");
  machine.fs.directory("/var/log");
  const host = machine.open();
  await grantDevice(host, nic);
  const { mode, uid } = host.status(auditPath) ?? {};
  assert.deepEqual([mode, uid], [0o640, 0]);
  const lines = (host.readText(auditPath) ?? "").split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines[1] ?? "", /^\S+T\S+Z hostdev\[\d+\]: grant of 0000:01:00\.0 to alex by root: done$/);
});

test("a log that cannot be written keeps nothing from being done, and is told of", async () => {
  for (const isInstalled of [true, false]) {
    const machine = labMachine().build();
    if (isInstalled) machine.failOn({ operation: "run", path: "logger", errno: "EPIPE" });
    else machine.commands.remove("logger");
    const warnings: string[] = [];
    await grantDevice(machine.open(), nic, { onWarning: (text) => void warnings.push(text) });
    assert.equal(machine.open().status("/dev/vfio/11")?.uid, 1000);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0] ?? "", /^The log cannot be written: .*logger/);
  }
});

test("an attempt without privilege is not logged: it touches nothing", async () => {
  const machine = labMachine().build();
  await assert.rejects(grantDevice(machine.open("alex"), nic));
  assert.deepEqual(machine.log, []);
});
