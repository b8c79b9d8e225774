// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode, listen, machineOfAlex, pause, until, uuid, xml } from "../../test/session/session-of-alex.ts";
import { isHostdevError } from "../core/errors.ts";
import { readMemlock } from "../memlock/limit.ts";
import { domainState, stateReason } from "./domain-state.ts";
import { openSession } from "./open-session.ts";

test("a program that is killed and comes back obeys again; the guest's end in between is told", async () => {
  const { host, kill, started, running } = machineOfAlex();
  const program = host();
  const first = await openSession(program);
  await (await first.defineXml(xml())).start();
  kill(program);
  assert.equal(running().length, 1);
  const again = host();
  const second = await openSession(again);
  const domain = second.byName("one");
  assert.equal(domain.state.state, domainState.running);
  const told = listen(second);
  await domain.shutdown();
  await until(() => !domain.isActive);
  assert.deepEqual(told, ["one 6/1", "one 5/0"]);
  assert.equal(started.length, 1);
  await domain.start();
  kill(again);
  started[1]?.process.onSignal?.("SIGTERM");
  await until(() => running().length === 0);
  const third = await openSession(host());
  assert.deepEqual(third.byName("one").state, { state: domainState.shutOff, reason: stateReason.shutOff.crashed });
});

test("reboot by ACPI is a power-off that goes on in the same QEMU, and tells only of a reboot", async () => {
  const { host, started } = machineOfAlex();
  const session = await openSession(host());
  const domain = await session.createXml(xml());
  const told = listen(session);
  await domain.reboot("acpi");
  await until(() => started[0]?.commands.at(-1)?.execute === "cont");
  await pause();
  assert.deepEqual(told, ["one reboot"]);
  assert.equal(domain.state.state, domainState.running);
  await domain.shutdown("acpi"); // not half of a reboot any more
  await until(() => !domain.isActive);
});

test("a panic ends the domain, crashed", async () => {
  const { host, started } = machineOfAlex();
  const session = await openSession(host());
  const told = listen(session);
  const domain = await session.createXml(xml());
  told.splice(0);
  started[0]?.tell("GUEST_PANICKED", { action: "pause" });
  await until(() => !domain.isActive);
  assert.deepEqual(told, ["one 8/0", "one 6/2", "one 5/2"]);
  assert.deepEqual(session.list(), []);
});

test("a failed start is no event; the domain is shut off, failed, and a transient one is gone", async () => {
  const { host } = machineOfAlex({ refuses: "qemu: no such thing\n" });
  const session = await openSession(host());
  const domain = await session.defineXml(xml());
  const told = listen(session);
  await assert.rejects(
    domain.start(),
    (error) => isHostdevError(error, "HD_QEMU_FAILED") && error.message.includes("no such thing"),
  );
  assert.deepEqual(domain.state, { state: domainState.shutOff, reason: stateReason.shutOff.failed });
  assert.deepEqual(told, []);
  await assert.rejects(session.createXml(xml("", "two").replace(uuid, uuid.replace("6b", "7b"))));
  assert.deepEqual(
    session.list().map(({ reference }) => reference.name),
    ["one"],
  );
});

test("what keeps a domain from starting is told all at once, with what mends it, and nothing is started", async () => {
  const { host, running } = machineOfAlex();
  const session = await openSession(host());
  const nic =
    "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>";
  const domain = await session.defineXml(xml(nic));
  await assert.rejects(
    domain.start(),
    (error) =>
      isHostdevError(error, "HD_PREFLIGHT_FAILED") &&
      /bound to e1000e/.test(error.message) &&
      /hostdev-admin grant 0000:01:00.0/.test(error.hint ?? ""),
  );
  assert.equal(running().length, 0);
});

test("a guest that is locked in memory may lock all that the hard limit allows", async () => {
  const { host, machine } = machineOfAlex();
  const program = host();
  const bytes = `--memlock=8388608:${4 * 1024 ** 3}`;
  await machine.open().run("prlimit", ["--pid", String(program.process.pid), bytes]);
  const session = await openSession(program);
  const softMiB = () => (readMemlock(program, program.self.pid)?.softBytes ?? 0) / 1024 ** 2;
  await (await session.defineXml(xml())).start();
  assert.equal(softMiB(), 8);
  const locked = xml("", "two", "<memoryBacking><locked/></memoryBacking>").replace(uuid, uuid.replace("6b", "7b"));
  await (await session.defineXml(locked)).start();
  assert.equal(softMiB(), 4096);
});

test("rename tells both names, keeps marks, and takes no name that is taken", async () => {
  const { host } = machineOfAlex();
  const session = await openSession(host());
  const domain = await session.defineXml(xml());
  await session.defineXml(xml("", "two").replace(uuid, uuid.replace("6b", "7b")));
  await domain.setAutostart(true);
  const told = listen(session);
  await assert.rejects(domain.rename("two"), hasCode("HD_DOMAIN_EXISTS"));
  await domain.rename("new");
  assert.deepEqual(told, ["one 1/1", "new 0/2"]);
  assert.equal(session.byName("new").autostart, true);
  assert.throws(() => session.byName("one"), hasCode("HD_NO_DOMAIN"));
  await domain.start();
  await assert.rejects(domain.rename("late"), hasCode("HD_DOMAIN_STATE"));
});

test("metadata: title, description, and the elements of applications, live and for later", async () => {
  const { host } = machineOfAlex();
  const session = await openSession(host());
  const domain = await session.defineXml(xml());
  await domain.start();
  const told = listen(session);
  await domain.setMetadata("title", "Mine", undefined, undefined, "both");
  await domain.setMetadata("element", "<app><b x='1'/></app>", "k", "urn:app", "live");
  assert.deepEqual(told, ["one metadata-change", "one metadata-change"]);
  assert.equal(domain.getMetadata("title", undefined, "config"), "Mine");
  assert.equal(domain.getMetadata("element", "urn:app", "live"), "<app>\n  <b x='1'/>\n</app>");
  assert.throws(() => domain.getMetadata("element", "urn:app", "config"), hasCode("HD_NO_METADATA"));
  await assert.rejects(
    domain.setMetadata("title", "a\nb", undefined, undefined, "live"),
    hasCode("HD_INVALID_ARGUMENT"),
  );
  await assert.rejects(domain.setMetadata("element", "<a", "k", "urn:app", "live"), hasCode("HD_XML_SYNTAX"));
});

test("a console is for one user at a time, unless he is made to go", async () => {
  const { host, started } = machineOfAlex();
  const session = await openSession(host());
  const domain = await session.createXml(xml());
  assert.match(domain.getXml(), /<serial type='pty'>\n {6}<source path='\/dev\/pts\/\d+'\/>/);
  const first = await domain.openConsole();
  const heard: string[] = [];
  first.on("data", (chunk) => heard.push(String(chunk)));
  first.write("hello");
  started[0]?.say("login:");
  await until(() => heard.length > 0 && started[0]?.typed === "hello");
  assert.deepEqual(heard, ["login:"]);
  await assert.rejects(domain.openConsole(), hasCode("HD_CONSOLE_BUSY"));
  await domain.openConsole({ alias: "serial0", force: true });
  await until(() => first.destroyed);
  await assert.rejects(domain.openConsole({ alias: "serial7" }), hasCode("HD_NO_GUEST_DEVICE"));
  await domain.destroy();
  await assert.rejects(domain.openConsole(), hasCode("HD_DOMAIN_STATE"));
});

test("a disk that is full does not cut a session off from its QEMU", async () => {
  const { host, machine } = machineOfAlex();
  const session = await openSession(host());
  const domain = await session.defineXml(xml());
  await domain.start();
  machine.failOn({ operation: "writeFile", path: /status/, errno: "ENOSPC", times: 2 });
  await domain.suspend();
  assert.equal(domain.state.state, domainState.paused);
  await domain.resume();
  assert.equal(domain.state.state, domainState.running);
  assert.equal(session.problems.length, 2);
  await domain.destroy();
});
