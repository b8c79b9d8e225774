// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/index.ts";
import { installQemu, type QemuBehaviour } from "../../test/session/fake-qemu.ts";
import { isHostdevError } from "../core/errors.ts";
import { GiB, MiB } from "../core/units.ts";
import { domainState, stateReason } from "./domain-state.ts";
import { openSession } from "./open-session.ts";
import type { Session } from "./session-api.ts";

const uuid = "6b1a5f5e-1d0e-4c1f-8f57-0a6a1e6f0b01";
const xml = (devices = "", name = "one", more = "") =>
  `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>64</memory>
  <os><type machine='q35'>hvm</type></os>${more}<devices><serial type='pty'/>${devices}</devices></domain>`;

/** A machine where alex has a session, and a QEMU. */
function machineOfAlex(behaviour: QemuBehaviour = {}) {
  const machine = labMachine().build();
  const root = machine.open();
  for (const path of ["/home/alex", "/run/user/1000"]) {
    root.makeDirectory(path, 0o755);
    root.setOwnership(path, { uid: 1000, gid: 1000, mode: 0o700 });
  }
  const started = installQemu(machine, behaviour);
  const environment = { HOME: "/home/alex", XDG_RUNTIME_DIR: "/run/user/1000" };
  const host = () => machine.open("alex", { environment, comm: "sessiond" });
  /** Kills the program of a session, as `kill -9` does. */
  const kill = (program: ReturnType<typeof host>) => machine.processes.end(program.process.pid);
  const running = () => machine.processes.all().filter(({ comm }) => comm === "qemu-system-x86_64");
  return { machine, started, host, kill, running };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue() && tries < 400; tries++) await pause();
  assert.ok(isTrue());
}

function listen(session: Session): string[] {
  const told: string[] = [];
  session.onEvent(({ name }, event) => {
    const detail = event.kind === "lifecycle" ? `${event.event}/${event.detail}` : event.kind;
    told.push(`${name} ${detail}${"alias" in event ? ` ${event.alias}` : ""}`);
  });
  return told;
}

const hasCode = (code: Parameters<typeof isHostdevError>[1]) => (error: unknown) => isHostdevError(error, code);

test("definitions stay over restarts, with their marks; running ones keep their new definition for later", async () => {
  const { host } = machineOfAlex();
  const first = await openSession(host());
  const domain = await first.defineXml(xml());
  await domain.setAutostart(true);
  await domain.start();
  await first.defineXml(xml("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"));
  assert.equal(domain.isUpdated, true);
  assert.doesNotMatch(domain.getXml(), /<rng/);
  assert.match(domain.getXml({ inactive: true }), /<rng/);
  await first.close();
  const second = await openSession(host());
  const [found] = second.list();
  assert.equal(found?.isActive, true);
  assert.equal(found?.autostart, true);
  assert.doesNotMatch(found?.getXml() ?? "", /<rng/);
  assert.match(found?.getXml({ inactive: true }) ?? "", /<rng/);
});

test("two programs never have one session", async () => {
  const { host } = machineOfAlex();
  await openSession(host());
  await assert.rejects(openSession(host()), hasCode("HD_LOCKED"));
});

test("files of the store that are wrong are reported, and left as they are", async () => {
  const { host, machine } = machineOfAlex();
  const first = await openSession(host());
  await first.defineXml(xml());
  await first.close();
  const folder = "/home/alex/.config/hostdev/domains";
  const root = machine.open();
  const good = root.readText(`${folder}/${uuid}.xml`) ?? "";
  const wrong = {
    "notes.txt": "mine",
    "11111111-1111-4111-8111-111111111111.xml": "<domain",
    "22222222-2222-4222-8222-222222222222.xml": good.replace("version 1", "version 99"),
    "33333333-3333-4333-8333-333333333333.xml": good,
  };
  for (const [name, text] of Object.entries(wrong)) root.writeFile(`${folder}/${name}`, text, 0o644);
  root.makeDirectory("/run/user/1000/hostdev/status", 0o755);
  root.writeFile(`/run/user/1000/hostdev/status/${uuid}.json`, "{}", 0o644);
  const second = await openSession(host());
  assert.deepEqual(
    second.list().map(({ reference }) => reference.name),
    ["one"],
  );
  assert.equal(second.problems.length, 5);
  for (const name of Object.keys(wrong)) {
    assert.ok(
      second.problems.some(({ path }) => path.endsWith(name)),
      name,
    );
    assert.equal(root.readText(`${folder}/${name}`), wrong[name as keyof typeof wrong]);
  }
});

test("names and uuids of XML cannot leave the folders of the session", async () => {
  const { host, machine } = machineOfAlex();
  const before = new Set(machine.log.map(({ path }) => path));
  const session = await openSession(host());
  for (const name of ["..", ".", "-rf", "a b'\"$(id)", "ü".repeat(200), "x,guest=evil"]) {
    const domain = await session.createXml(xml("", name.replaceAll("'", "&apos;").replaceAll('"', "&quot;")));
    assert.equal(domain.reference.name, name);
    await domain.destroy();
  }
  for (const bad of ["../../etc/passwd", "a/b", "a&#10;b", ""])
    await assert.rejects(session.defineXml(xml("", bad)), hasCode("HD_DOMAIN_INVALID"), bad);
  await assert.rejects(session.defineXml(xml().replace(uuid, "../../../tmp/x")), hasCode("HD_DOMAIN_INVALID"));
  const ours = /^\/(home\/alex\/\.(config|cache)\/hostdev|run\/user\/1000\/hostdev)(\/|$)/;
  const files = machine.log.filter(({ operation }) => /File|Directory/.test(operation)).map(({ path }) => path);
  assert.deepEqual(
    files.filter((path) => !before.has(path) && !ours.test(path)),
    [],
  );
});

test("after a reboot nothing runs, and everything is still defined", async () => {
  const { host, machine } = machineOfAlex();
  const session = await openSession(host());
  const domain = await session.defineXml(xml());
  await domain.setAutostart(true);
  await domain.start();
  machine.reboot();
  const root = machine.open();
  root.makeDirectory("/run/user/1000", 0o755);
  root.setOwnership("/run/user/1000", { uid: 1000, gid: 1000, mode: 0o700 });
  const next = await openSession(host());
  const [found] = next.list();
  assert.deepEqual(found?.state, { state: domainState.shutOff, reason: stateReason.shutOff.unknown });
  assert.deepEqual(next.problems, []);
  await next.startMarked();
  assert.equal(found?.isActive, true);
  await found?.destroy();
  await next.startMarked(); // once a boot
  assert.equal(found?.isActive, false);
});

test("what was of an earlier boot, and is in a runtime folder that stayed, runs no more", async () => {
  const { host, machine } = machineOfAlex();
  const session = await openSession(host());
  await (await session.defineXml(xml())).start();
  const path = `/run/user/1000/hostdev/status/${uuid}.json`;
  const text = machine.open().readText(path) ?? "";
  machine.reboot();
  const root = machine.open();
  root.makeDirectory("/run/user/1000/hostdev/status", 0o755);
  root.writeFile(path, text, 0o644);
  for (const folder of ["", "/hostdev", "/hostdev/status"])
    root.setOwnership(`/run/user/1000${folder}`, { uid: 1000, gid: 1000, mode: 0o700 });
  const next = await openSession(host());
  assert.equal(next.byName("one").isActive, false);
  assert.equal(root.status(path), undefined);
});

for (const moment of ["before", "torn", "after"] as const) {
  test(`a kill ${moment} any act of define, start and end leaves no QEMU that the next session does not know`, async () => {
    let deaths = 0;
    for (let n = 1; ; n++) {
      const { host, running } = machineOfAlex();
      const program = host();
      program.crashAt(n, moment);
      const life = async () => {
        const session = await openSession(program);
        const domain = await session.defineXml(xml());
        await domain.start();
        await domain.suspend();
        await domain.destroy();
        await domain.undefine();
      };
      const isDone = await life().then(
        () => true,
        () => false,
      );
      if (isDone && program.mutations < n) break;
      deaths += 1;
      await pause();
      const next = await openSession(host());
      const known = next.list().flatMap(({ pid }) => pid ?? []);
      assert.deepEqual(
        running().map(({ pid }) => pid),
        known,
        `died at ${n}`,
      );
      assert.deepEqual(next.problems, [], `died at ${n}`);
      for (const domain of next.list()) {
        if (domain.isActive) await domain.destroy();
        await domain.start();
        await domain.destroy();
      }
    }
    assert.ok(deaths > 20, `only ${deaths} places to die`);
  });
}

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

/** alex's machine with the NIC lent to him, and so much lockable memory. */
async function withNic(behaviour: QemuBehaviour, hardBytes = GiB) {
  const all = machineOfAlex(behaviour);
  const { machine } = all;
  machine.modules.load("vfio-pci");
  machine.rebind("0000:01:00.0", "vfio-pci");
  machine.open().setOwnership("/dev/vfio/11", { uid: 1000, gid: 1000, mode: 0o600 });
  const program = all.host();
  program.process.memlock.hard = hardBytes;
  const session = await openSession(program);
  const domain = await session.defineXml(xml());
  await domain.start();
  const qemu = all.started[0];
  assert.ok(qemu !== undefined);
  return { ...all, session, domain, qemu };
}

const nic =
  "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>";

test("a device of the host is plugged in on the free port, with only the soft limit raised, and comes out again", async () => {
  const { domain, qemu, session } = await withNic({});
  const told = listen(session);
  await domain.attachDevice(nic, "live");
  const command = qemu.commands.find(({ execute }) => execute === "device_add");
  assert.deepEqual(command?.arguments, {
    ...{ driver: "vfio-pci", host: "0000:01:00.0", id: "hostdev0" },
    ...{ bus: "pci.3", addr: "0x0" },
  });
  assert.deepEqual(qemu.process.memlock, { soft: 66 * MiB, hard: GiB });
  assert.match(domain.getXml(), /<hostdev/);
  await assert.rejects(domain.attachDevice(nic, "live"), hasCode("HD_GUEST_DEVICE_EXISTS"));
  assert.equal(await domain.detachDevice(nic, "live"), "removed");
  assert.deepEqual(told, ["one device-added hostdev0", "one device-removed hostdev0"]);
  assert.doesNotMatch(domain.getXml(), /<hostdev/);
  await assert.rejects(domain.detachDevice(nic, "live"), hasCode("HD_NO_GUEST_DEVICE"));
});

test("a guest that refuses, and one that does not answer, are told apart; later it may still let go", async () => {
  const refusing = await withNic({ unplug: "refuses" });
  await refusing.domain.attachDevice(nic, "live");
  await assert.rejects(refusing.domain.detachDevice(nic, "live"), hasCode("HD_UNPLUG_REJECTED"));
  assert.match(refusing.domain.getXml(), /<hostdev/);
  const silent = await withNic({ unplug: "ignores" });
  await silent.domain.attachDevice(nic, "live");
  assert.equal(await silent.domain.detachDeviceAlias("hostdev0", "live"), "requested");
  assert.match(silent.domain.getXml(), /<hostdev/);
  silent.qemu.tell("DEVICE_DELETED", { device: "hostdev0" });
  await until(() => !silent.domain.getXml().includes("<hostdev"));
});

test("without the right to lock so much, nothing is plugged in, and the reason is told", async () => {
  const { domain, qemu } = await withNic({}, 32 * MiB);
  await assert.rejects(
    domain.attachDevice(nic, "live"),
    (error) => isHostdevError(error, "HD_MEMLOCK_TOO_LOW") && error.message.includes("66 MiB"),
  );
  assert.deepEqual(
    qemu.commands.filter(({ execute }) => execute === "device_add"),
    [],
  );
});

test("a device for which there is no port, or that QEMU refuses, leaves nothing behind", async () => {
  const { domain, qemu } = await withNic({ errors: { device_add: "no luck" } });
  const disk = "<disk type='file'><source file='/home/alex/a.img'/><target dev='vda' bus='virtio'/></disk>";
  await assert.rejects(
    domain.attachDevice(disk, "live"),
    (error) => isHostdevError(error, "HD_QMP_COMMAND") && error.message.includes("no luck"),
  );
  const undone = qemu.commands.filter(({ execute }) => execute.startsWith("blockdev-")).map(({ execute }) => execute);
  assert.deepEqual(undone, ["blockdev-add", "blockdev-del"]);
  assert.doesNotMatch(domain.getXml(), /vda/);
  const ide = disk.replace("'virtio'", "'sata'").replace("vda", "sda");
  await assert.rejects(domain.attachDevice(ide, "live"), hasCode("HD_DOMAIN_UNSUPPORTED"));
  const full = await withNic({});
  await full.domain.attachDevice(disk, "live");
  await assert.rejects(
    full.domain.attachDevice(disk.replace("vda", "vdb"), "live"),
    (error) => isHostdevError(error, "HD_DOMAIN_INVALID") && error.message.includes("free pcie-root-port"),
  );
});
