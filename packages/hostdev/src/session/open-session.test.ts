// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode, machineOfAlex, pause, uuid, xml } from "../../test/session/session-of-alex.ts";
import { domainState, stateReason } from "./domain-state.ts";
import { openSession } from "./open-session.ts";

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

test("a domain marked for the next boot is started then, and not at the one after it", async () => {
  const { host, machine } = machineOfAlex();
  const afterReboot = async () => {
    machine.reboot();
    const root = machine.open();
    root.makeDirectory("/run/user/1000", 0o755);
    root.setOwnership("/run/user/1000", { uid: 1000, gid: 1000, mode: 0o700 });
    const session = await openSession(host());
    await session.startMarked();
    return session.byName("one");
  };
  const domain = await (await openSession(host())).defineXml(xml());
  await domain.setAutostart(true, "next-boot");
  assert.deepEqual([domain.autostart, domain.autostartOnce], [false, true]);
  const first = await afterReboot();
  assert.deepEqual([first.isActive, first.autostartOnce], [true, false]);
  assert.equal((await afterReboot()).isActive, false);
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
