// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { labScenario } from "../src/scenario.ts";
import { guestXml } from "../src/story/guest-xml.ts";

const { section } = labScenario();
const vm = "/opt/lab/exchange/memlock.xml";

section("our requirement is enough for the kernel, and near to what it pins", async (lab) => {
  const xml = guestXml({ name: "memlock", devices: ["0000:01:00.0", "0000:02:00.0"], mode: "stay" });
  await writeFile(join(lab.exchangeDirectory, "memlock.xml"), xml);
  for (const device of ["01:00.0", "02:00.0"]) {
    await lab.root(`hostdev-admin grant ${device} --to alex --memory 256MiB`, { check: true });
  }
  const check = await lab.alex(`hostdev check --json ${vm}`, { login: true, check: true });
  const required: number = JSON.parse(check.stdout).memlock.bytes;
  const running = lab.spawn("alex", `prlimit --memlock=${required}:${required} hostdev run ${vm}`, { login: true });
  for (let waited = 0; !running.stdout.includes("guest: waiting"); waited += 200) {
    assert.ok(waited < 90_000, running.stdout + running.stderr);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { stdout } = await lab.root("grep VmLck /proc/$(pgrep -x qemu-system-x86)/status", { check: true });
  const pinned = Number(/(\d+) kB/.exec(stdout)?.[1]) * 1024;
  process.stdout.write(`# pinned ${pinned} bytes, required ${required}: ${(required / pinned).toFixed(4)} times\n`);
  assert.ok(pinned <= required, `pinned ${pinned}, required ${required}`);
  assert.ok(required <= pinned * 1.05, `pinned ${pinned}, required ${required}`);
  await lab.root("pkill -INT -f '[h]ostdev.js run'");
  assert.equal((await running.result).code, 0);
});

section("below the requirement the check says so, and QEMU would have failed", async (lab) => {
  const low = 200 * 1024 * 1024;
  const check = await lab.alex(`prlimit --memlock=${low}:${low} hostdev check ${vm}`, { login: true });
  assert.equal(check.code, 1);
  assert.match(check.stdout, /the limit is 200 MiB, but 258 MiB/);
  const qemu = "qemu-system-x86_64 -M q35 -m 256 -nodefaults -display none -bios /opt/lab/guest.rom";
  const { stderr } = await lab.alex(`prlimit --memlock=${low}:${low} ${qemu} -device vfio-pci,host=01:00.0`, {
    login: true,
  });
  assert.match(stderr, /Cannot allocate memory/);
  for (const device of ["01:00.0", "02:00.0"]) await lab.root(`hostdev-admin revoke ${device}`, { check: true });
});
