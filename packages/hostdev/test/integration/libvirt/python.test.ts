// SPDX-License-Identifier: Apache-2.0

/** Scripts in Python, on our daemon and on libvirt's. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../../style/source-tree.ts";
import { testDomain } from "../domains.ts";
import { lacks, skippedWhenQuick, startLibvirtd, startSessiond, TestUser } from "../programs.ts";

const noQemu = skippedWhenQuick || lacks("qemu-system-x86_64", "qemu-system-x86");
const python = "/usr/bin/python3";
const noLibvirtd = lacks("/usr/sbin/libvirtd", "libvirt-daemon libvirt-daemon-driver-qemu");
const noPython = noQemu || lacks(python, "python3");

const uri = "qemu:///session";

test("a script in Python does with libvirt's module what scripts do, with the same events as on libvirt", {
  skip: noPython,
  timeout: 120_000,
}, async (t) => {
  const user = new TestUser();
  t.after(() => user.remove());
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
