// SPDX-License-Identifier: Apache-2.0

/*
 * hostdev-admin killed at every step of a grant and of a revoke, on the real kernel: `recover` brings back the state before or
 * the state asked for, and says which. The kills are exact: a preloaded library counts the program's acts (die-at.c).
 * With HOSTDEV_LAB_EVERY_ACT=1 it is killed before and after every single act, which takes about half an hour.
 */

import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { Administrator, type LendingRequest } from "../src/administrator/administrator.ts";
import type { RunningCommand } from "../src/channel/command.ts";
import { type Act, describeMoment, everyMoment, type Moment, oneOfEachStep } from "../src/interruptions/acts.ts";
import { killAt, observeActs, prepareKills, stopBefore } from "../src/interruptions/victim.ts";
import type { Lab } from "../src/lab.ts";
import { labDirectory } from "../src/lab-directory.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";

const { section } = labScenario();
const momentsOf = process.env["HOSTDEV_LAB_EVERY_ACT"] === "1" ? everyMoment : oneOfEachStep;

/** What is lent and taken back: the command, the library's request, and what the machine looks like while it is lent. */
interface Loan {
  readonly request: LendingRequest;
  readonly grant: string;
  readonly revoke: string;
  granted: Snapshot;
  readonly moments: { grant: readonly Moment[]; revoke: readonly Moment[] };
  /** When the revoke gives `driver/unbind` its value. */
  unbind: Act | undefined;
}

function loan(device: string, mates: readonly string[], options = ""): Loan {
  const request = { device, user: "alex", memoryBytes: 256 << 20, hold: mates, force: [] };
  const hold = mates.map((mate) => ` --hold ${mate}`).join("");
  return {
    request: { ...request, acceptNoReset: options !== "" },
    grant: `grant ${device} --to alex --memory 256MiB${hold}${options}`,
    revoke: `revoke ${device}`,
    granted: new Map(),
    moments: { grant: [], revoke: [] },
    unbind: undefined,
  };
}

/** A group with mates, which has the most steps, and a card that is reset when it comes back. */
const group = loan("0000:04:02.0", ["0000:04:01.0", "0000:04:03.0"], " --accept-no-reset");
const card = loan("0000:01:00.0", []);

let administrator: Administrator;
let before: Snapshot;

/** A record has its own time of day, and tells how it came about. */
const ignored = [/^sha256\/var\/lib\/hostdev\/grants\//];

function stepsWithoutKill(struck: readonly Moment[], steps: number): readonly number[] {
  const all = Array.from({ length: steps }, (_, index) => index + 1);
  return all.filter((step) => !struck.some(({ act }) => act.step === step));
}

async function assertAs(state: Snapshot, lab: Lab, what: string): Promise<void> {
  assert.deepEqual(diffSnapshots(state, await takeSnapshot(lab), ignored), [], what);
}

/** What `recover` says about the one operation that was interrupted; undefined: nothing was. */
async function recovered(): Promise<string | undefined> {
  const [recovery] = await administrator.recover();
  return recovery === undefined ? undefined : `${recovery.interrupted} ${recovery.outcome}`;
}

section(
  "the machine before, what it is while something is lent, and what hostdev-admin does in between",
  async (lab) => {
    lab.spawn("alex", "exec sleep 100000", { login: true });
    administrator = await Administrator.start(lab);
    await prepareKills(lab);
    before = await takeSnapshot(lab);
    for (const lent of [group, card]) {
      const granting = await observeActs(lab, lent.grant);
      lent.granted = await takeSnapshot(lab);
      const revoking = await observeActs(lab, lent.revoke);
      await assertAs(before, lab, "granted and revoked");
      lent.moments.grant = momentsOf(granting.acts);
      lent.moments.revoke = momentsOf(revoking.acts);
      lent.unbind = revoking.acts.find(({ call, detail }) => call === "send" && detail === lent.request.device);
      assert.deepEqual(stepsWithoutKill(lent.moments.grant, granting.steps), []);
    }
    assert.deepEqual(stepsWithoutKill(card.moments.revoke, 8), []);
  },
);

/**
 * Kills an operation at a moment and recovers from it. The machine must then be either as before or as granted, and what
 * `recover` said must fit. Takes back what is in force. @returns what came of it.
 */
async function killAndRecover(lab: Lab, lent: Loan, operation: "grant" | "revoke", moment: Moment): Promise<string> {
  const what = `${operation}, ${describeMoment(moment)}`;
  const start = Date.now();
  await killAt(lab, lent[operation], moment);
  const said = await recovered();
  const isGranted = ((await administrator.do("readRecords")) as unknown[]).length > 0;
  try {
    const ending = operation === "grant" ? "grant undone" : "revoke completed";
    const state = `${what}: ${said}, ${isGranted ? "" : "not "}lent`;
    assert.ok(said === undefined || (said === ending && !isGranted), state);
    await assertAs(isGranted ? lent.granted : before, lab, what);
  } finally {
    if (isGranted) await administrator.revoke(lent.request.device);
  }
  const outcome = said ?? (isGranted ? "in force" : "nothing lent");
  process.stdout.write(`# ${describeMoment(moment)}: ${outcome} (${Date.now() - start} ms)\n`);
  return outcome;
}

section("grant of a group, killed at every step: undone by recover, or in force", async (lab) => {
  const outcomes = new Set<string>();
  for (const moment of group.moments.grant) outcomes.add(await killAndRecover(lab, group, "grant", moment));
  assert.ok(outcomes.has("grant undone") && outcomes.has("in force"), [...outcomes].join());
});

section("revoke of a card, killed at every step: completed by recover, or still in force", async (lab) => {
  const outcomes = new Set<string>();
  for (const moment of card.moments.revoke) {
    await administrator.grant(card.request);
    outcomes.add(await killAndRecover(lab, card, "revoke", moment));
  }
  assert.ok(outcomes.has("revoke completed"), [...outcomes].join());
  await assertAs(before, lab, "after all");
});

if (momentsOf === everyMoment) {
  section("the other two, a grant of a card and a revoke of a group, killed at every act", async (lab) => {
    for (const moment of card.moments.grant) await killAndRecover(lab, card, "grant", moment);
    for (const moment of group.moments.revoke) {
      await administrator.grant(group.request);
      await killAndRecover(lab, group, "revoke", moment);
    }
  });
}

section("after a kill everything else is refused, until the command recover has ended it", async (lab) => {
  const [moment] = group.moments.grant.filter(({ act }) => act.step === 6);
  assert.ok(moment !== undefined);
  await killAt(lab, group.grant, moment);
  const refused = await administrator.ask("previewGrant", card.request);
  assert.equal(refused.error?.code, "HD_RECOVERY_NEEDED");
  const { stdout } = await lab.root("hostdev-admin recover", { check: true });
  assert.match(stdout, /^The grant of 0000:04:02\.0 to alex was interrupted; it is now undone\.$/m);
  await assertAs(before, lab, "recovered by the command");
});

section("grant, SIGTERM in the middle: everything is undone at once", async (lab) => {
  // From the shell that started it: a message from outside of the lab would come some steps later.
  const script = `
    coproc ADMIN { exec hostdev-admin ${group.grant}; }
    pid=$ADMIN_PID
    while read -r line; do
      case "$line" in *"[7/"*) kill -TERM "$pid" ;; esac
    done <&"\${ADMIN[0]}"
    wait "$pid"`;
  assert.equal((await lab.root(script, { timeoutMs: 300_000 })).code, 8);
  await assertAs(before, lab, "SIGTERM");
});

section("revoke, killed while the kernel works on its unbind: recover waits for that, and says so", async (lab) => {
  const device = card.request.device;
  await administrator.grant(card.request);
  assert.ok(card.unbind !== undefined);
  const pid = await stopBefore(lab, card.revoke, card.unbind);
  // Somebody opens the device after the last look at who has it: the unbind does not return until he lets go.
  await copyFile(join(labDirectory, "src/contract/vfio-hold.pl"), join(lab.exchangeDirectory, "vfio-hold.pl"));
  const group = `$(basename $(readlink /sys/bus/pci/devices/${device}/iommu_group))`;
  const holder = await new Promise<RunningCommand>((resolve) => {
    const script = `exec perl /opt/lab/exchange/vfio-hold.pl ${group} claim ${device}`;
    const running = lab.spawn("root", script, { keepInput: true, onLine: () => resolve(running) });
  });
  // The link goes before the driver's own part begins, which is what hangs.
  const link = `/sys/bus/pci/devices/${device}/driver`;
  const script = `kill -CONT ${pid}; while [ -e ${link} ]; do sleep 0.1; done; sleep 1; kill -KILL ${pid}`;
  await lab.root(script, { check: true });
  const start = Date.now();
  const { code, stdout, stderr } = await lab.spawn("root", "hostdev-admin recover", {
    onLine: (line) => /waiting/.test(line) && holder.endInput(),
    timeoutMs: 200_000,
  }).result;
  process.stdout.write(`# ${stderr.trim()} (${Date.now() - start} ms)\n`);
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /waiting up to 8\d s for process \d+ of a killed command, which still writes to \/sys.*\/unbind$/m,
  );
  assert.match(stdout, /^The revoke of 0000:01:00\.0 to alex was interrupted; it is now completed\.$/m);
  await assertAs(before, lab, "recovered after the wait");
});

section("two at once: one works, the other is told who does", async (lab) => {
  const [first, second] = await Promise.all([
    lab.root(`hostdev-admin ${group.grant}`, { timeoutMs: 300_000 }),
    lab.root(`hostdev-admin ${card.grant}`, { timeoutMs: 300_000 }),
  ]);
  const refused = [first, second].filter(({ code }) => code !== 0);
  for (const { code, stderr } of refused) {
    assert.equal(code, 7, stderr);
    assert.match(stderr, /process \d+ works on it\n {2}hint: Wait for process \d+ to end, then try again\./);
  }
  assert.ok(refused.length <= 1, "one of them works");
  for (const { request } of [group, card]) await administrator.ask("revokeDevice", request.device);
  await assertAs(before, lab, "two at once");
});

section("the power goes in the middle of a grant: the next boot has nothing of it", async (lab) => {
  await cutPowerAt(lab, group.grant, group.moments.grant.at(-2));
  const { stdout } = await lab.root("hostdev-admin grants; hostdev-admin recover; hostdev-admin grants", {
    check: true,
  });
  assert.match(stdout, /interrupted.*is now undone.*Nothing is lent/s);
  await assertNothingLeft(lab);
});

section("the power goes in the middle of a revoke: the next boot completes it", async (lab) => {
  await lab.root(`hostdev-admin ${card.grant}`, { check: true, timeoutMs: 300_000 });
  await cutPowerAt(lab, card.revoke, card.moments.revoke[0]);
  const { stdout } = await lab.root("hostdev-admin recover; hostdev-admin grants", { check: true });
  assert.match(stdout, /is now completed.*Nothing is lent/s);
  await assertNothingLeft(lab);
});

/** Kills the program, and the machine with it: what was not written through is lost. */
async function cutPowerAt(lab: Lab, command: string, moment: Moment | undefined): Promise<void> {
  assert.ok(moment !== undefined);
  await killAt(lab, command, moment);
  await lab.reboot({ crash: true });
}

async function assertNothingLeft(lab: Lab): Promise<void> {
  const { stdout } = await lab.root("ls -A /etc/security/limits.d /var/lib/hostdev 2> /dev/null");
  assert.doesNotMatch(stdout, /hostdev-|grants/);
}
