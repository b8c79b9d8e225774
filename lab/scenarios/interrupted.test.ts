// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Lab } from "../src/lab.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";

const { section } = labScenario();
const grant = "hostdev-admin grant 04:02.0 --to alex --memory 256MiB --hold 04:01.0 --hold 04:03.0 --accept-no-reset";
const revoke = "hostdev-admin revoke 04:02.0";
let before: Snapshot;

/**
 * Runs a command of root, and sends it a signal as soon as it has told of this step: from the shell that started it,
 * since a message from outside of the lab would come some steps later.
 *
 * @returns its exit status.
 */
async function interrupt(lab: Lab, command: string, signal: "INT" | "TERM" | "KILL", step: number): Promise<number> {
  const script = `
    coproc ADMIN { exec ${command}; }
    pid=$ADMIN_PID
    while read -r line; do
      echo "$line"
      case "$line" in *"[${step}/"*) kill -${signal} "$pid" ;; esac
    done <&"\${ADMIN[0]}"
    wait "$pid"`;
  return (await lab.root(script)).code;
}

async function assertAsBefore(lab: Lab, what: string): Promise<void> {
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), [], what);
}

section("the machine before", async (lab) => {
  before = await takeSnapshot(lab);
});

for (const [signal, step] of [
  ["INT", 4],
  ["TERM", 6],
] as const) {
  section(`grant, SIG${signal} after step ${step}: everything is undone at once`, async (lab) => {
    assert.equal(await interrupt(lab, grant, signal, step), 8);
    await assertAsBefore(lab, `SIG${signal} after step ${step}`);
    assert.match((await lab.root("hostdev-admin grants")).stdout, /Nothing is lent/);
  });
}

for (const step of [2, 4, 6, 8]) {
  section(`grant, killed after step ${step}: refused until recover, which undoes it`, async (lab) => {
    assert.equal(await interrupt(lab, grant, "KILL", step), 137);
    const refused = await lab.root("hostdev-admin grant 01:00.0 --to alex");
    assert.equal(refused.code, 7, refused.stdout);
    assert.match(refused.stderr, /HD_RECOVERY_NEEDED/);
    const { stdout } = await lab.root("hostdev-admin recover", { check: true });
    assert.match(stdout, /is now undone/);
    await assertAsBefore(lab, `killed after step ${step}`);
  });
}

for (const step of [1, 4, 7]) {
  section(`revoke, killed after step ${step}: recover completes it`, async (lab) => {
    await lab.root(grant, { check: true });
    assert.equal(await interrupt(lab, revoke, "KILL", step), 137);
    const { stdout } = await lab.root("hostdev-admin recover", { check: true });
    assert.match(stdout, /is now completed/);
    await assertAsBefore(lab, `killed after step ${step}`);
  });
}

section("two at once: one works, the other is told who does", async (lab) => {
  const [first, second] = await Promise.all([lab.root(grant), lab.root("hostdev-admin grant 01:00.0 --to alex")]);
  const codes = [first.code, second.code].sort();
  assert.ok(codes[0] === 0 && (codes[1] === 0 || codes[1] === 7), JSON.stringify([first, second]));
  for (const device of ["04:02.0", "01:00.0"]) await lab.root(`hostdev-admin revoke ${device}`);
  await assertAsBefore(lab, "two at once");
});

section("the power goes in the middle of a grant: the next boot has nothing of it", async (lab) => {
  await interrupt(lab, grant, "KILL", 8);
  await lab.root("sync");
  await lab.reboot({ crash: true });
  const { stdout } = await lab.root("hostdev-admin grants; hostdev-admin recover; hostdev-admin grants");
  const limits = await lab.root("ls /etc/security/limits.d");
  assert.equal(limits.stdout.includes("hostdev"), false, stdout);
  assert.match(stdout, /Nothing is lent/);
});
