// SPDX-License-Identifier: Apache-2.0

/*
 * Our grant serves stock libvirt as well: alex's own session daemon, which ran before the grant, starts a VM with the lent
 * card; what was lent comes back exactly when it has ended.
 */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../src/lab.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";
import { guestXml } from "../src/story/guest-xml.ts";

const { section } = labScenario();
const log = "/home/alex/guest.log";
const environment = "export HOME=/home/alex XDG_RUNTIME_DIR=/run/user/1000\n";
const timeoutMs = 300_000;
let before: Snapshot;

/** What alex's own libvirt says. */
const virsh = (lab: Lab, command: string) =>
  lab.alex(`${environment}virsh -q -c qemu:///session ${command}`, { timeoutMs });

section("alex has a session daemon of stock libvirt, with the usual limit on locked memory", async (lab) => {
  // A daemon that virsh starts itself is often too late in emulation.
  const start = `
    loginctl enable-linger alex
    until [ -S /run/user/1000/bus ]; do sleep 0.2; done
    setpriv --reuid=alex --regid=alex --init-groups env HOME=/home/alex XDG_RUNTIME_DIR=/run/user/1000 libvirtd -d -t 0
    until [ -S /run/user/1000/libvirt/libvirt-sock ]; do sleep 0.2; done`;
  await lab.root(start, { check: true, timeoutMs });
  const xml = guestXml({ name: "stock-guest", devices: ["0000:01:00.0"], mode: "stay" });
  const file = xml.replace("<serial type='pty'/>", `<serial type='file'><source path='${log}'/></serial>`);
  await writeFile(join(lab.exchangeDirectory, "stock.xml"), file);
  const refused = await virsh(lab, "create /opt/lab/exchange/stock.xml");
  assert.match(refused.stderr, /must be manually detached from the host|cannot limit locked memory/);
  before = await takeSnapshot(lab);
  assert.equal(before.get("process/alex/libvirtd"), `${8 << 20} ${8 << 20}`);
});

section("with our grant it starts a VM, whose guest drives the card", async (lab) => {
  await lab.root("hostdev-admin grant 01:00.0 --to alex --memory 256MiB", { check: true, timeoutMs });
  const { code, stderr } = await virsh(lab, "create /opt/lab/exchange/stock.xml");
  assert.equal(code, 0, stderr);
  const guest = await untilGuestWaits(lab);
  for (const proof of [/link=up/, /got arp reply 10\.0\.2\.2/, /ping 10\.0\.2\.2 reply/, /nic \S+ interrupts=[1-9]/])
    assert.match(guest, proof);
  const { stdout } = await lab.root(
    "cat /proc/$(pgrep -x qemu-system-x86)/status; ps -o user= -p $(pgrep -x qemu-system-x86)",
  );
  assert.match(stdout, /^alex$/m);
});

section("while libvirt's VM runs, a revoke is refused and names it", async (lab) => {
  const { code, stderr } = await lab.root("hostdev-admin revoke 01:00.0", { timeoutMs });
  assert.equal(code, 7, stderr);
  assert.match(stderr, /of alex \(VM "stock-guest"\)/);
});

section("after its end everything is as it was, the daemon's limit too", async (lab) => {
  assert.equal((await virsh(lab, "destroy stock-guest")).code, 0);
  await lab.root("hostdev-admin revoke 01:00.0", { check: true, timeoutMs });
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  const lines = (await lab.root("journalctl -q -o cat -t hostdev", { check: true })).stdout.trim().split("\n");
  assert.deepEqual(
    lines.map((line) => line.replace(/: IOMMU group .*/, "")),
    [
      "grant of 0000:01:00.0 to alex by root: begun",
      "grant of 0000:01:00.0 to alex by root: done",
      "revoke of 01:00.0 by root: refused",
      "revoke of 0000:01:00.0 to alex by root: begun",
      "revoke of 0000:01:00.0 to alex by root: done",
    ],
  );
});

async function untilGuestWaits(lab: Lab): Promise<string> {
  for (let waited = 0; waited < timeoutMs; waited += 500) {
    const { stdout } = await lab.root(`cat ${log}`);
    if (stdout.includes("guest: waiting")) return stdout;
    await sleep(500);
  }
  throw new Error(`the guest does not come to wait: ${(await lab.root(`cat ${log}`)).stdout}`);
}
