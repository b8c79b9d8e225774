// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunningCommand } from "../src/channel/command.ts";
import type { Lab } from "../src/lab.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, takeSnapshot } from "../src/snapshot.ts";
import { guestXml } from "../src/story/guest-xml.ts";

const { section } = labScenario();
const ports = `<controller type='pci' index='0' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(2)}`;

/** As alex, logged in: the status must be what is expected. */
async function alex(lab: Lab, line: string, status = 0): Promise<string> {
  const { code, stdout, stderr } = await lab.alex(line, { login: true, timeoutMs: 60_000 });
  assert.equal(code, status, `${line}\n${stdout}${stderr}`);
  return stdout;
}

async function until(console: RunningCommand, text: RegExp, timeoutMs = 60_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !text.test(console.stdout); ) {
    assert.ok(Date.now() < end, `waited ${timeoutMs / 1000} s for ${text}\n${console.stdout}${console.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

section(
  "alex keeps a VM, plugs a lent card in and out, and finds it again after his daemon was killed",
  async (lab) => {
    const before = await takeSnapshot(lab);
    const xml = guestXml({ name: "kept", devices: [], mode: "stay" })
      .replace("<on_reboot>destroy</on_reboot>", "")
      .replace("<serial type='pty'/>", `${ports}<serial type='pty'/>`);
    await writeFile(join(lab.exchangeDirectory, "kept.xml"), xml);
    await lab.root("hostdev-admin grant 01:00.0 --to alex --memory 256MiB", { check: true });

    await alex(lab, "hostdev define /opt/lab/exchange/kept.xml");
    await alex(lab, "hostdev start kept --paused");
    const console = lab.spawn("alex", "hostdev console kept < /dev/null", { login: true });
    const events = lab.spawn("alex", "hostdev events kept", { login: true });
    await alex(lab, "hostdev resume kept");
    await until(console, /guest: waiting/);

    await alex(lab, "hostdev attach kept 01:00.0");
    await until(console, /guest: hotplug added/);
    await until(console, /nic .* got arp reply 10\.0\.2\.2/);
    await until(console, /PASS devices=1/);
    await until(events, /device added alias=hostdev0/);
    await alex(lab, "hostdev attach kept 01:00.0", 4);
    assert.match((await lab.root("hostdev-admin revoke 01:00.0")).stderr, /in use/);

    const pid = (await lab.root("pgrep -x qemu-system-x86", { check: true })).stdout.trim();
    await lab.root("pkill -KILL -f '[h]ostdev-sessiond.js'", { check: true });
    const found = JSON.parse(await alex(lab, "hostdev list --json")) as { vms: { name: string; state: string }[] };
    assert.deepEqual(
      found.vms.map(({ name, state }) => `${name} ${state}`),
      ["kept running"],
    );
    assert.equal((await lab.root("pgrep -x qemu-system-x86", { check: true })).stdout.trim(), pid);
    assert.match(await alex(lab, "hostdev dumpxml kept"), /<hostdev/);

    await alex(lab, "hostdev detach kept 01:00.0");
    assert.doesNotMatch(await alex(lab, "hostdev dumpxml kept"), /<hostdev/);
    // While the VM runs on: its QEMU has let the group go.
    await lab.root("hostdev-admin revoke 01:00.0", { check: true });

    await alex(lab, "hostdev shutdown kept");
    for (let waited = 0; !(await alex(lab, "hostdev list --all")).includes("shut off (shutdown)"); waited += 1)
      assert.ok(waited < 20, "the guest does not power off");
    await alex(lab, "hostdev undefine kept");
    await lab.root("pkill -f '[h]ostdev-sessiond.js'", { check: true });
    assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  },
);
