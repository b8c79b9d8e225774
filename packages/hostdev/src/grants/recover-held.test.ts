// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { killed } from "../../test/fake-host/kill.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { grantDevice } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { revokeDevice } from "./revoke-device.ts";
import { readRecords } from "./store.ts";

const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };

for (const moment of ["before", "torn", "after"] as const) {
  for (const options of [{ kill: true }, { waitMs: 1000 }]) {
    test(`recover() after a kill ${moment} any operation of a revoke of a held device, ${JSON.stringify(options)}`, async () => {
      for (let n = 1; ; n++) {
        const machine = labMachine().build();
        const before = machine.snapshot();
        await grantDevice(machine.open(), nic);
        const qemu = machine.process({ user: "alex", comm: "qemu-system-x86" });
        machine.holdGroup(qemu, 11);
        const host = machine.open();
        const act = () => revokeDevice(host, "01:00.0", options).catch(unlessHeld);
        const isKilled = await killed(host, n, moment, act);
        const unbinds = machine.log.filter(({ path }) => path.endsWith("/unbind")).length;
        assert.ok(machine.processes.get(qemu.pid) === undefined || unbinds === 1, `unbound under a VM, at ${n}`);
        // Killed while alex's VM was still there: it comes back to the host once that has ended.
        await recover(machine.open()).catch((error) => assert.ok(isHostdevError(error, "HD_UNDO_INCOMPLETE")));
        machine.processes.end(qemu.pid);
        await recover(machine.open());
        const admin = machine.open();
        if (readRecords(admin).length === 1) await revokeDevice(admin, "01:00.0"); // not announced, or called off
        assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
        if (!isKilled) break;
      }
    });
  }
}

function unlessHeld(error: unknown): void {
  if (!isHostdevError(error, "HD_GROUP_HELD")) throw error;
}
