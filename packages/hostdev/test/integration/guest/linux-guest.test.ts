// SPDX-License-Identifier: Apache-2.0

/**
 * A real Linux in the VM of an ordinary user, on our daemon and on libvirt's: what its agent, its balloon, its power
 * button and its drivers do when virsh asks.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { compareOutput, virsh } from "../libvirt/run-virsh.ts";
import { lacks, skippedWhenQuick, startLibvirtd, startSessiond, TestUser } from "../programs.ts";
import { agentCases, secondProcessorCases } from "./agent-cases.ts";
import { writeLinuxDomain } from "./linux-domain.ts";
import { lacksLinuxGuest } from "./linux-guest.ts";
import { listenToEvents } from "./listen-to-events.ts";
import { lacksVirtiofsd, virtiofsdFor } from "./virtiofsd.ts";

const skip =
  skippedWhenQuick ||
  lacks("virsh", "libvirt-clients") ||
  lacks("qemu-system-x86_64", "qemu-system-x86") ||
  lacksLinuxGuest;
const noDaemon = lacks("/usr/sbin/libvirtd", "libvirt-daemon libvirt-daemon-driver-qemu");

const ours = new TestUser();
const theirs = noDaemon ? undefined : new TestUser();
const users = theirs === undefined ? [ours] : [ours, theirs];
const events = new Map<TestUser, () => readonly string[]>();
after(async () => {
  for (const user of users) await user.remove();
});
before(async () => {
  if (skip) return;
  // libvirt 9.0 shares no folders of users.
  writeLinuxDomain(ours, lacksVirtiofsd ? undefined : virtiofsdFor(ours));
  await startSessiond(ours);
  if (theirs !== undefined) {
    writeLinuxDomain(theirs, undefined);
    await startLibvirtd(theirs);
  }
  for (const user of users) {
    does(user, "define FOLDER/linux.xml");
    events.set(user, await listenToEvents(user, "desc linux --config there"));
  }
  await bootAll("start linux");
});

/** Runs a command that must succeed. */
function does(user: TestUser, command: string): string {
  const { status, text } = virsh(user, command);
  assert.equal(status, 0, `virsh ${command}: ${text}`);
  return text;
}

async function until(isTrue: () => boolean, what: string, user = ours): Promise<void> {
  for (const end = Date.now() + 60_000; !isTrue(); await sleep(250)) {
    assert.ok(Date.now() < end, `waited a minute for ${what}: ${readFileSync(join(user.folder, "home/serial.log"))}`);
  }
}

/** The guests of all daemons boot, at the same time, until their agents answer. */
async function bootAll(command: string): Promise<void> {
  for (const user of users) does(user, command);
  for (const user of users) await until(() => virsh(user, "domhostname linux").status === 0, "the guest's agent", user);
}

/** Waits for the end of all guests, which have been asked for it. */
async function allEnd(): Promise<void> {
  const isOff = (user: TestUser) => does(user, "domstate linux").includes("shut off");
  for (const user of users) await until(() => isOff(user), "the end of the guest", user);
  compareOutput({ command: "domstate linux --reason", status: 0 }, ours, theirs);
}

/** Runs a shell's words in the guest, and gives what they print. */
async function inGuest(script: string): Promise<string> {
  const ask = (execute: string, args: object) => {
    const text = JSON.stringify({ execute, arguments: args }).replaceAll(" ", "\u00a0");
    return JSON.parse(does(ours, `qemu-agent-command linux ${text}`)).return;
  };
  const { pid } = ask("guest-exec", { path: "/bin/sh", arg: ["-c", script], "capture-output": true });
  for (let left = 100; left > 0; left--) {
    const { exited, exitcode, ...output } = ask("guest-exec-status", { pid });
    const [out, err] = ["out-data", "err-data"].map((name) => Buffer.from(output[name] ?? "", "base64").toString());
    if (exited && exitcode !== 0) throw new Error(`${script}: status ${exitcode}: ${err}`);
    if (exited) return out ?? "";
    await sleep(50);
  }
  throw new Error(`${script} does not end`);
}

test("a folder of the user is mounted in the guest, and both write into it", {
  skip: skip || lacksVirtiofsd,
  timeout: 120_000,
}, async () => {
  assert.match(await inGuest("grep virtiofs /proc/mounts"), /^shared \/mnt\/shared virtiofs /);
  await inGuest("echo from the guest > /mnt/shared/up");
  assert.equal(readFileSync(join(ours.folder, "shared/up"), "utf8"), "from the guest\n");
  writeFileSync(join(ours.folder, "shared/down"), "from the host\n");
  assert.equal(await inGuest("cat /mnt/shared/down"), "from the host\n");
  await assert.rejects(inGuest("cat /mnt/shared/../../etc/hostname.of.the.host"));
});

for (const [index, each] of agentCases.entries())
  test(`agent: virsh ${each.command} (${index + 1})`, { skip, timeout: 120_000 }, () =>
    compareOutput(each, ours, theirs),
  );

test("what the agent was told has come to the guest", { skip, timeout: 120_000 }, async () => {
  assert.match(await inGuest("cat /etc/shadow"), /^root:\$6\$salt\$hash:/);
  assert.match(await inGuest("date +%Y; hwclock"), /^2001\n.* 2001 /);
});

test("a second processor is plugged in, and the guest is told to use it", { skip, timeout: 120_000 }, async (t) => {
  const possible = (await inGuest("cat /sys/devices/system/cpu/possible")).trim();
  // Linux 6.12 believes only newer tables of QEMU's that there may be more.
  if (possible === "0") return t.skip("this kernel has no place for a second processor on this QEMU");
  for (const user of users) {
    does(user, "setvcpus linux 2 --live");
    await until(() => virsh(user, "guestvcpus linux").text.includes("0-1"), "the second processor", user);
  }
  for (const each of secondProcessorCases) compareOutput(each, ours, theirs);
});

test("the balloon takes memory from the guest, and tells of the guest's", { skip, timeout: 120_000 }, async () => {
  const figures = () => Object.fromEntries(does(ours, "dommemstat linux").trim().split("\n").map(split)) as Figures;
  type Figures = Readonly<Record<string, number>>;
  const split = (line: string) => [line.split(" ")[0], Number(line.split(" ")[1])];
  await until(() => (figures()["last_update"] ?? 0) > 0, "figures of the guest's memory");
  const before = figures();
  assert.equal(before["actual"], 192 * 1024);
  does(ours, "setmem linux 128M --live");
  await until(() => figures()["actual"] === 128 * 1024, "the guest to give memory back");
  await until(() => (figures()["usable"] ?? 0) < (before["usable"] ?? 0) - 60_000, "the figures to follow");
  assert.match(does(ours, "dominfo linux"), /Used memory: +131072 KiB/);
  assert.ok(Number(/MemAvailable: +(\d+)/.exec(await inGuest("cat /proc/meminfo"))?.[1]) < 128 * 1024);
  does(ours, "setmem linux 192M --live");
  await until(() => figures()["actual"] === 192 * 1024, "the guest to have it again");
});

test("a disk is plugged in and out, with the guest's consent", { skip, timeout: 120_000 }, async () => {
  does(ours, "attach-disk linux FOLDER/more.img vdb --live --serial second");
  const hasDisk = () => does(ours, "guestinfo linux --disk").includes("/dev/vdb");
  await until(hasDisk, "the new disk");
  assert.match(does(ours, "guestinfo linux --disk"), /disk\.1\.alias +: vdb/);
  await inGuest("echo words > /dev/vdb && sync");
  assert.equal(readFileSync(join(ours.folder, "more.img")).subarray(0, 5).toString(), "words");
  does(ours, "detach-disk linux vdb --live");
  await until(() => !does(ours, "domblklist linux").includes("vdb") && !hasDisk(), "the disk to go");
});

test("the agent reboots the guest", { skip, timeout: 120_000 }, async () => {
  await inGuest("touch /tmp/before");
  const connections = () => agentNews(ours).filter((line) => line.includes("'connected'")).length;
  const before = connections();
  for (const user of users) does(user, "reboot linux --mode agent");
  await until(() => connections() > before, "the agent of the next boot");
  await bootAll("domstate linux");
  assert.equal(await inGuest("ls /tmp"), "");
});

test("a guest that has not heeded a reboot can still be shut down", { skip, timeout: 120_000 }, async () => {
  await inGuest("killall acpid");
  does(ours, "reboot linux --mode acpi");
  for (const user of users) does(user, "shutdown linux --mode agent");
  await allEnd();
});

test("the power button ends the guest", { skip, timeout: 120_000 }, async () => {
  for (const user of users) does(user, "define FOLDER/plain.xml");
  await bootAll("start linux");
  for (const user of users) does(user, "shutdown linux --mode acpi");
  await allEnd();
});

test("a guest without a shared folder sleeps and wakes", { skip, timeout: 120_000 }, async () => {
  await bootAll("start linux");
  compareOutput({ command: "dompmsuspend linux mem", status: 0 }, ours, theirs);
  // libvirt may answer before it knows.
  for (const user of users) await until(() => !does(user, "domstate linux").includes("running"), "sleep", user);
  for (const command of ["domstate linux --reason", "dompmwakeup linux"])
    compareOutput({ command, status: 0 }, ours, theirs);
  await bootAll("domstate linux");
  compareOutput({ command: "domstate linux --reason", status: 0 }, ours, theirs);
  for (const user of users) does(user, "destroy linux");
});

test("both daemons have told the same of it", { skip }, (t) => {
  const started = "event 'agent-lifecycle' for domain 'linux': state: 'disconnected' reason: 'domain started'";
  const [gone, there] = ["disconnected", "connected"].map((state) =>
    started.replace(/state.*/, `state: '${state}' reason: 'channel event'`),
  );
  // Whether QEMU tells of it when a guest that powers off lets go of the port is chance.
  assert.deepEqual(agentNews(ours).slice(0, 4), [started, there, gone, there]);
  if (theirs === undefined) return t.diagnostic(`not compared with libvirt: ${noDaemon}`);
  const lifecycle = (user: TestUser) =>
    events
      .get(user)?.()
      .filter((line) => /'lifecycle'|'pm-/.test(line));
  assert.deepEqual(lifecycle(ours), lifecycle(theirs));
});

function agentNews(user: TestUser): readonly string[] {
  return (
    events
      .get(user)?.()
      .filter((line) => line.includes("'agent-lifecycle'")) ?? []
  );
}
