// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { killed } from "../../test/fake-host/kill.ts";
import { fakeMachine } from "../../test/fake-host/machine-builder.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { symlink } from "../../test/fake-host/nodes.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { repositoryRoot } from "../../test/style/source-tree.ts";
import { isHostdevError } from "../core/errors.ts";
import { bootFiles } from "./boot-units.ts";
import { describeAct, isSetUp, planSetup, setup } from "./setup.ts";

const nothing = () => {};

test("setup() installs the units and the rule, lets systemd and udev know, and takes all of it away again", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  assert.equal(isSetUp(host), false);
  await setup(host, false, nothing);
  assert.equal(isSetUp(host), true);
  for (const { path, text } of bootFiles(host.self.program)) {
    assert.equal(host.readText(path), text);
    const status = host.status(path);
    assert.deepEqual([status?.mode, status?.uid, status?.gid], [0o644, 0, 0], path);
  }
  const commands = host.machine.log
    .filter(({ operation }) => operation === "run")
    .map((run) => `${run.path} ${run.value}`);
  assert.deepEqual(commands, [
    "systemctl daemon-reload",
    "udevadm control --reload",
    "systemctl enable hostdev-restore.service",
  ]);
  const once = host.machine.snapshot();
  await setup(host, false, nothing);
  assert.deepEqual(diffSnapshots(once, host.machine.snapshot()), []);
  await setup(host, true, nothing);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
  await setup(host, true, nothing); // again is nothing
});

test("setup() of a package's program only enables and disables the package's unit", async () => {
  const machine = labMachine().build();
  const program = "/usr/lib/hostdev/hostdev-admin.js";
  for (const path of [program, "/usr/lib/systemd/system/hostdev-restore.service"])
    machine.fs.add(path, { kind: "file", content: "", mode: 0o644, uid: 0, gid: 0 });
  machine.fs.link("/usr/bin/hostdev-admin", program);
  const host = machine.open();
  assert.deepEqual(planSetup(host).map(describeAct), ["systemctl enable hostdev-restore.service"]);
  assert.equal(describeAct(planSetup(host, true)[0] ?? assert.fail()), "systemctl disable hostdev-restore.service");
});

test("setup() after a kill at any operation can be run again", async () => {
  const whole = labMachine().open();
  await setup(whole, false, nothing);
  for (const moment of ["before", "torn", "after"] as const) {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const host = machine.open();
      const isKilled = await killed(host, n, moment, () => setup(host, false, nothing));
      await setup(machine.open(), false, nothing);
      assert.deepEqual(diffSnapshots(whole.machine.snapshot(), machine.snapshot()), [], `${moment} ${n}`);
      if (!isKilled) break;
    }
  }
});

test("setup() refuses without root, without systemd, and where somebody else's file is", async () => {
  const host = labMachine().file("/etc/udev/rules.d/70-hostdev.rules", "# mine\n").open();
  const before = host.machine.snapshot();
  await assert.rejects(setup(host, false, nothing), (error) => isHostdevError(error, "HD_STATE_CONFLICT"));
  await assert.rejects(setup(host.as("alex"), false, nothing), (error) => isHostdevError(error, "HD_NEEDS_ROOT"));
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
  assert.throws(
    () => planSetup(fakeMachine().open()),
    (error) => isHostdevError(error, "HD_NO_SYSTEMD"),
  );
});

test("setup() refuses where somebody other than root could change what the units run; taking away it does not", async () => {
  const [node, script] = ["/usr/bin/node", "/usr/lib/hostdev/hostdev-admin.js"];
  const chunk = "/usr/lib/hostdev/chunks/main.js";
  for (const path of [node, "/usr/bin", script, "/usr/lib/hostdev", chunk, "/usr/lib/hostdev/chunks", "/usr"]) {
    const machine = labMachine().file(node, "").file(script, "").file(chunk, "").build();
    const host = machine.open();
    await setup(host, false, nothing);
    Object.assign(machine.fs.find(path) ?? {}, { uid: 1000, gid: 1000 });
    const before = machine.snapshot();
    await assert.rejects(setup(host, false, nothing), (error) => {
      assert.ok(isHostdevError(error, "HD_PROGRAM_WRITABLE"));
      assert.match(
        error.message,
        new RegExp(`^Cannot set up units: .* and ${path} is not only root's to write .owner 1000:1000, `),
      );
      assert.match(
        error.hint ?? "",
        path === node || path === "/usr/bin" || path === "/usr" ? /nodejs/ : /cp -rT .*hostdev /,
      );
      return true;
    });
    assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
    await setup(host, true, nothing);
    assert.equal(isSetUp(host), false);
  }
});

test("setup() looks only at what the program can load", async () => {
  const machine = labMachine().file("/usr/lib/hostdev/notes.txt", "").build();
  Object.assign(machine.fs.find("/usr/lib/hostdev/notes.txt") ?? {}, { uid: 1000 });
  await setup(machine.open(), false, nothing);
});

test("setup() follows the links in the program's folder, also those that lead back", async () => {
  const machine = labMachine().file("/usr/lib/hostdev/hostdev-admin.js", "").file("/srv/chunks/a.js", "").build();
  machine.fs.add("/usr/lib/hostdev/chunks", symlink("/srv/chunks"));
  machine.fs.add("/srv/chunks/up", symlink("/usr/lib/hostdev"));
  await setup(machine.open(), false, nothing);
  Object.assign(machine.fs.find("/srv/chunks/a.js") ?? {}, { mode: 0o666 });
  assert.throws(
    () => planSetup(machine.open()),
    (error) => isHostdevError(error, "HD_PROGRAM_WRITABLE") && error.details.path === "/srv/chunks/a.js",
  );
});

test("packaging/ has what setup() installs, for a program in /usr/bin", () => {
  for (const { path, text } of bootFiles(["/usr/bin/hostdev-admin"])) {
    const packaged = text.replace(/^# Written by .*\n/, "# A part of hostdev; see packaging/README.md.\n");
    const file = join(
      repositoryRoot,
      "packaging",
      path.replace(/^\/etc\/(systemd\/system|udev\/rules\.d)\//, (_, kind) => `${kind.split("/")[0]}/`),
    );
    if (process.env["UPDATE_GOLDEN"]) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, packaged);
    }
    assert.equal(readFileSync(file, "utf8"), packaged, "UPDATE_GOLDEN=1 makes it anew");
  }
});
