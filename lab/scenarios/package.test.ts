// SPDX-License-Identifier: Apache-2.0

/*
 * The Debian package on a machine that never saw hostdev: it is installed and used, stays while a card is lent, is upgraded,
 * and leaves nothing behind.
 */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../src/lab.ts";
import { repositoryDirectory } from "../src/lab-directory.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";

const { section } = labScenario();
const file = "/opt/lab/exchange/hostdev.deb";
const unit = "hostdev-restore.service";
let before: Snapshot;
let filesBefore: ReadonlySet<string>;

/** A line of root: it must end with this status. What it said, on both outputs. */
async function root(lab: Lab, line: string, status = 0): Promise<string> {
  const { code, stdout, stderr } = await lab.root(line, { timeoutMs: 180_000 });
  assert.equal(code, status, `${line}\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** Everything below the folders that packages write to, but what dpkg and systemd keep about them. */
async function systemFiles(lab: Lab): Promise<ReadonlySet<string>> {
  const found = await root(lab, "find /etc /usr /var/lib -xdev ! -path '/var/lib/dpkg/*' ! -path '/var/lib/systemd/*'");
  return new Set(found.split("\n"));
}

const state = async (lab: Lab) => JSON.parse(await root(lab, "hostdev-admin grants --json")).grants[0]?.state;

section("dpkg installs it; its units are sound, and its programs run", async (lab) => {
  const made = execFileSync(process.execPath, [join(repositoryDirectory, "tools/package.mjs")], { encoding: "utf8" });
  await copyFile(made.split("\n")[0] ?? "", join(lab.exchangeDirectory, "hostdev.deb"));
  await root(lab, "rm /usr/local/bin/hostdev*; umount /opt/hostdev"); // the lab's own
  await root(lab, "rmdir /etc/systemd/system/default.target.wants"); // empty: the next systemctl disable would do so
  before = await takeSnapshot(lab);
  filesBefore = await systemFiles(lab);
  await root(lab, `dpkg -i ${file}`);
  const version = await root(lab, `dpkg-deb -f ${file} Version`);
  for (const program of ["hostdev", "hostdev-admin", "hostdev-sessiond"])
    assert.equal(await root(lab, `${program} --version`), version);
  assert.equal(await root(lab, `systemctl is-enabled ${unit}`), "enabled\n");
  const units = "$(ls /usr/lib/systemd/system/hostdev-*.service)";
  assert.doesNotMatch(await root(lab, `systemd-analyze verify --man=no ${units} || true`), /hostdev/);
  await root(lab, "udevadm verify /usr/lib/udev/rules.d/70-hostdev.rules");
});

section("virsh reaches the daemon by the package's user units", async (lab) => {
  const session = lab.spawn("alex", "exec sleep infinity", { login: true });
  const enable = "systemctl --user enable --now hostdev-sessiond.socket";
  const { code, stdout, stderr } = await lab.alex(`${enable} && virsh -c qemu:///session version`, { login: true });
  assert.equal(code, 0, stdout + stderr);
  const stop = "systemctl --user disable --now hostdev-sessiond.socket hostdev-sessiond.service; rm -r ~/.config";
  await lab.alex(stop, { login: true });
  session.kill();
});

// What it does in a boot is the scenario boot's to show: with the same unit, which setup has written.
section("the unit that restores grants at boot runs the package's program", async (lab) => {
  await root(lab, "hostdev-admin grant 01:00.0 --to alex --memory 128MiB --persistent");
  await root(lab, `systemctl start ${unit}`);
  assert.match(await root(lab, `systemctl show -P ExecStart ${unit}`), /\/usr\/bin\/hostdev-admin restore .* status=0/);
  assert.equal(await state(lab), "active");
});

section("an upgrade leaves the grant in force, and off what was switched off; a removal is refused", async (lab) => {
  await root(lab, `systemctl disable ${unit}; dpkg -i ${file}`);
  assert.equal(await root(lab, `systemctl is-enabled ${unit}`, 1), "disabled\n");
  assert.doesNotMatch(await root(lab, "hostdev-admin setup"), /write/); // the package's units are there
  assert.equal(await root(lab, `systemctl is-enabled ${unit}`), "enabled\n");
  const refused = await root(lab, "dpkg -r hostdev", 1);
  assert.match(refused, /Cannot remove the package: devices are lent.*01:00\.0.*hostdev-admin revoke/s);
  assert.equal(await state(lab), "active");
});

section("after a revoke it goes, and nothing of it is left", async (lab) => {
  await root(lab, "hostdev-admin revoke 01:00.0 && dpkg -P hostdev");
  const left = [...(await systemFiles(lab))].filter((path) => !filesBefore.has(path));
  assert.deepEqual(left, []);
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
});
