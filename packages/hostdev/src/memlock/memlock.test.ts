// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/machines.ts";
import { GiB, KiB, MiB } from "../core/units.ts";
import { isAtLeast, readMemlock, readUserMemlocks, setMemlock } from "./limit.ts";
import { formatLoginLimits, parseLoginLimits } from "./login-limits.ts";
import { describeRequirement, grantedBytes, pinnedRequirement } from "./requirement.ts";

test("readUserMemlocks() finds a user's processes, and setMemlock() changes one of them", async () => {
  const host = labMachine().open();
  const [shell] = readUserMemlocks(host, 1000);
  assert.ok(shell !== undefined);
  assert.equal(shell.hardBytes, 8 * MiB);
  await setMemlock(host, shell, { softBytes: GiB, hardBytes: 2 * GiB });
  assert.deepEqual(readMemlock(host, shell.pid), { softBytes: GiB, hardBytes: 2 * GiB });
});

test("setMemlock() leaves a later process with the same pid alone", async () => {
  const host = labMachine().open();
  const [shell] = readUserMemlocks(host, 1000);
  assert.ok(shell !== undefined);
  await setMemlock(host, { pid: shell.pid, startTime: shell.startTime + 1 }, { softBytes: null, hardBytes: null });
  assert.equal(readMemlock(host, shell.pid)?.hardBytes, 8 * MiB);
});

test("grantedBytes() is libvirt's formula, in whole KiB", () => {
  assert.equal(grantedBytes(256 * MiB), 1342177280);
  assert.equal(grantedBytes(GiB), 2147483648);
  assert.equal(grantedBytes(1) % KiB, 0);
});

test("pinnedRequirement() multiplies by the address spaces of a vIOMMU", () => {
  const one = pinnedRequirement({ guestBytes: 64 * MiB, videoBytes: 0, addressSpaces: 1 });
  const two = pinnedRequirement({ guestBytes: 64 * MiB, videoBytes: 0, addressSpaces: 2 });
  assert.equal(two.bytes, 2 * one.bytes);
  assert.equal(describeRequirement(one), "66 MiB (64 MiB guest memory + 2 MiB firmware and ROMs)");
});

test("formatLoginLimits() is read back", () => {
  assert.equal(parseLoginLimits(formatLoginLimits(1000, 1280 * MiB)), 1280 * MiB);
  assert.equal(parseLoginLimits("alex - memlock 5"), undefined);
});

test("isAtLeast() takes null for unlimited", () => {
  assert.equal(isAtLeast(null, 5), true);
  assert.equal(isAtLeast(5, null), false);
  assert.equal(isAtLeast(null, null), true);
});
