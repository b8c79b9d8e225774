// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/machines.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { grantDevice, previewGrant } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { revokeDevice } from "./revoke-device.ts";

const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const disk = { ...nic, device: "02:00.0" };

test("two at once: whoever comes second, at whichever step, is told who works, and nothing else", async () => {
  const machine = labMachine().build();
  const first = machine.open();
  const others = [
    () => grantDevice(machine.open(), disk),
    () => previewGrant(machine.open(), disk),
    () => revokeDevice(machine.open(), "01:00.0"),
    () => recover(machine.open()),
  ];
  const attempts: Promise<unknown>[] = [];
  const onStep = () => {
    for (const other of others) attempts.push(other().catch((error: unknown) => error));
  };
  await grantDevice(first, nic, { onStep });
  await revokeDevice(first, "01:00.0", {}, { onStep });
  const errors = await Promise.all(attempts);
  assert.ok(errors.length >= 4 * 12);
  const mistaken = errors.filter((error) => isHostdevError(error, "HD_RECOVERY_NEEDED"));
  assert.deepEqual(mistaken, [], "nothing was interrupted");
  const locked = errors.filter((error) => isHostdevError(error, "HD_LOCKED"));
  assert.ok(locked.length > errors.length / 2, `${locked.length} of ${errors.length}`);
  for (const error of locked) {
    assert.ok(isHostdevError(error, "HD_LOCKED") && error.details.pid === first.self.pid);
    assert.equal(error.hint, `Wait for process ${first.self.pid} to end, then try again.`);
  }
});
