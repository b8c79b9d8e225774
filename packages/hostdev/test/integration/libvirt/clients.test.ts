// SPDX-License-Identifier: Apache-2.0

/** Other clients of libvirt on our daemon: virt-install, virt-xml, scripts in Python. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { packageRoot } from "../../style/source-tree.ts";
import { testDomain } from "../domains.ts";
import { lacks, skippedWhenQuick, startLibvirtd, startSessiond, TestUser } from "../programs.ts";
import { emptyQcow2 } from "../qemu-tools.ts";

const noQemu = skippedWhenQuick || lacks("qemu-system-x86_64", "qemu-system-x86");
const noInstaller = noQemu || lacks("/usr/bin/virt-install", "virtinst");
const python = "/usr/bin/python3";
const noLibvirtd = lacks("/usr/sbin/libvirtd", "libvirt-daemon libvirt-daemon-driver-qemu");
const noPython = noQemu || lacks(python, "python3");

const user = new TestUser();
before(async () => {
  if (!noQemu) await startSessiond(user);
});
after(() => user.remove());

const uri = "qemu:///session";
const virsh = (command: string) => user.run("virsh", ["-c", uri, ...command.split(" ")]);

/** Makes a VM with what a machine without KVM has. */
function install(name: string, ...args: readonly string[]) {
  const usual = ["--connect", uri, "--virt-type", "qemu", "--import", "--memory", "64", "--osinfo", "generic"];
  const quiet = ["--graphics", "none", "--noautoconsole", "--machine", "q35", "--name", name];
  return user.run("/usr/bin/virt-install", [...usual, ...quiet, ...args]);
}

test("virt-install makes, starts and defines a VM without a disk", { skip: noInstaller, timeout: 120_000 }, () => {
  const { status, stdout, stderr } = install("bare", "--disk", "none", "--network", "none");
  assert.equal(status, 0, stdout + stderr);
  assert.match(virsh("list --persistent --state-running").stdout, / bare +running/);
  assert.equal(virsh("destroy bare").status, 0);
  assert.match(virsh("list --all").stdout, / bare +shut off/); // it was made transient, and then defined
});

test("virt-install takes a disk by its path, and virt-xml changes the VM", {
  skip: noInstaller,
  timeout: 120_000,
}, () => {
  const disk = join(user.folder, "home/disk.qcow2");
  writeFileSync(disk, emptyQcow2(64 << 20));
  user.own(disk);
  const { status, stdout, stderr } = install("disked", "--disk", disk, "--network", "user");
  assert.equal(status, 0, stdout + stderr);
  assert.match(virsh("domblklist disked").stdout, /disk\.qcow2/);
  const change = user.run("/usr/bin/virt-xml", ["--connect", uri, "disked", "--edit", "--memory", "96"]);
  assert.equal(change.status, 0, change.stderr);
  assert.equal(virsh("destroy disked").status, 0);
  assert.match(virsh("dominfo disked").stdout, /Max memory: +98304 KiB/);
  assert.equal(virsh("undefine disked").status, 0);
  assert.ok(readFileSync(disk).length > 0);
});

test("a script in Python does with libvirt's module what scripts do, with the same events as on libvirt", {
  skip: noPython,
  timeout: 120_000,
}, async (t) => {
  if (user.run(python, ["-c", "import libvirt"]).status !== 0) return t.skip("there is no python3-libvirt");
  const events = async (start: (user: TestUser) => Promise<unknown>) => {
    const other = new TestUser();
    t.after(() => other.remove());
    const script = join(other.folder, "session.py");
    copyFileSync(join(packageRoot, "test/integration/libvirt/session.py"), script);
    await start(other);
    const { status, stdout, stderr } = other.run(python, [script, uri], { input: testDomain });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as number[];
  };
  const ours = await events((other) => startSessiond(other));
  assert.deepEqual(ours.slice(0, 3), [0, 4, 2]); // defined, resumed, started
  if (noLibvirtd) t.diagnostic(`not compared with libvirt: ${noLibvirtd}`);
  else assert.deepEqual(ours, await events(startLibvirtd));
});
