// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { MiB } from "../core/units.ts";
import { grantDevice } from "../grants/grant-device.ts";
import { adminProgram } from "./admin-program.ts";
import type { Output } from "./context.ts";
import { runProgram } from "./run-program.ts";

/** What each verb that changes something may be called with; a verb that changes nothing has none. */
const calls: Readonly<Record<string, readonly string[]>> = {
  grant: ["grant 01:00.0 --to alex", "grant 01:00.0 --to alex --dry-run", "grant 01:00.0 --to alex --json"],
  revoke: ["revoke 02:00.0", "revoke 02:00.0 --dry-run", "revoke 02:00.0 --kill", "revoke 01:00.0"],
  release: ["release 01:00.0", "release 01:00.0 --trust"],
  expire: ["expire", "expire --json"],
  restore: ["restore", "restore --node 12", "restore --json"],
  setup: ["setup", "setup --dry-run", "setup --remove", "setup --json"],
  recover: ["recover", "recover --json"],
  grants: [],
  completion: [],
};

async function run(user: string, line: string, hasInterrupted: boolean) {
  const machine = labMachine().build();
  const nvme = { device: "02:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
  await grantDevice(hasInterrupted ? machine.open().crashAt(12) : machine.open(), nvme).catch(() => {});
  const before = machine.snapshot();
  machine.log.length = 0;
  let said = "";
  const say = (text: string) => {
    said += text;
  };
  const output: Output = { print: say, warn: say, width: undefined, hasColour: false };
  const status = await runProgram(adminProgram, line.split(" "), machine.open(user), output);
  return { status, said, changes: diffSnapshots(before, machine.snapshot()), log: machine.log };
}

test("every verb of hostdev-admin is looked at here", () => {
  assert.deepEqual(
    Object.keys(adminProgram.verbs).filter((verb) => calls[verb] === undefined),
    [],
  );
});

test("without privilege every verb that changes something ends with 5, says who can, and touches nothing", async () => {
  for (const line of Object.values(calls).flat()) {
    for (const hasInterrupted of [false, true]) {
      const { status, said, changes, log } = await run("alex", line, hasInterrupted);
      assert.equal(status, 5, `${line}: ${said}`);
      assert.match(said, /Only root may change what devices do/);
      assert.match(said, /sudo hostdev-admin /);
      assert.deepEqual([changes, log], [[], []], line);
    }
  }
});

test("grants is for everybody, and changes nothing", async () => {
  const { status, said, log } = await run("alex", "grants", false);
  assert.deepEqual([status, log], [0, []]);
  assert.match(said, /0000:02:00\.0 +alex/);
});
