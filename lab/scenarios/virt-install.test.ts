// SPDX-License-Identifier: Apache-2.0

/*
 * A card that is lent to alex, in VMs that he makes and changes with unmodified virt-install, virt-xml, virt-clone and a
 * script of python3-libvirt, on hostdev's daemon. What these do with a card that is not lent is told first. Each Python
 * program takes four seconds to start here, so one run of it shows several things.
 */

import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { alex, virsh } from "../src/alex.ts";
import type { RunningCommand } from "../src/channel/command.ts";
import type { Lab } from "../src/lab.ts";
import { labDirectory } from "../src/lab-directory.ts";
import { labScenario } from "../src/scenario.ts";
import { installSessionDaemon } from "../src/session-daemon.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";
import { until } from "../src/until.ts";

const { section } = labScenario();
const files = "/opt/lab/exchange";
let login: RunningCommand;
let before: Snapshot;
let grantCommand = "";

const tool = (lab: Lab, program: string, line: string, status = 0) =>
  alex(lab, `${program} --connect qemu:///session ${line}`, status);
const virtXml = (lab: Lab, line: string, status = 0) => tool(lab, "virt-xml", line, status);
/** The lab's small guest, as a user would have it: its firmware by --boot, its serial port in a file too. */
const virtInstall = (lab: Lab, line: string, status = 0) =>
  tool(
    lab,
    "virt-install",
    `--virt-type qemu --import --memory 256 --osinfo generic --machine q35 --graphics none --noautoconsole --network none --disk none \
    --boot loader=/opt/lab/guest.rom,loader.type=rom --serial pty,log.file=${files}/console.log ${line}`,
    status,
  );
const stays = "--qemu-commandline='-fw_cfg name=opt/hostdev/mode,string=stay'";

/** Waits until the VM that was started last has written this. */
async function guestSays(lab: Lab, text: RegExp): Promise<void> {
  let said = "";
  const hasSaid = async () => {
    said = await readFile(join(lab.exchangeDirectory, "console.log"), "utf8").catch(() => "");
    return text.test(said);
  };
  await until(String(text), hasSaid).catch((error: Error) => assert.fail(`${error.message}\n${said}`));
}
const drives =
  /nic \S+ .*link=up.*got arp reply 10\.0\.2\.2.*ping 10\.0\.2\.2 reply.*interrupts=[1-9].*PASS devices=1/s;
const drivesAgain = new RegExp(`hotplug removed.*hotplug added.*${drives.source}`, "s");
const hostdevs = (lab: Lab, name: string, which = "") => virsh(lab, `dumpxml ${name} ${which} --xpath //hostdev`);

section("virt-install says why a card that is not lent cannot be had, and leaves nothing behind", async (lab) => {
  login = await installSessionDaemon(lab);
  before = await takeSnapshot(lab);
  const refused = await virtInstall(lab, `--name card ${stays} --hostdev 01:00.0`, 1);
  assert.match(
    refused,
    /Cannot start domain "card": Cannot assign 0000:01:00\.0: it is bound to e1000e, not to vfio-pci/,
  );
  grantCommand = /run: (hostdev-admin grant 0000:01:00\.0 --to alex --memory 256MiB)$/m.exec(refused)?.[1] ?? "";
  assert.notEqual(grantCommand, "", refused);
  assert.match(refused, /installation does not appear to have been successful/);
  assert.equal((await virsh(lab, "list --all --name")).trim(), "");
});

section("root does what was told: virt-install makes a VM whose guest drives the card", async (lab) => {
  await lab.root(grantCommand, { check: true });
  assert.match(await virtInstall(lab, `--name card ${stays} --hostdev pci_0000_01_00_0`), /Domain creation completed/);
  await guestSays(lab, drives);
  assert.match(await virsh(lab, "list --persistent"), / card +running/);
  assert.match(
    await hostdevs(lab, "card"),
    /managed="yes".*<address domain="0x0000" bus="0x01".*alias name="hostdev0"/s,
  );
});

section("virt-xml takes it out of the running VM, and puts it in again", async (lab) => {
  assert.match(await virtXml(lab, "card --remove-device --hostdev 1 --update"), /hotunplug successful.*defined succ/s);
  await guestSays(lab, /guest: hotplug removed/);
  assert.equal((await hostdevs(lab, "card")) + (await hostdevs(lab, "card", "--inactive")), "\n\n");
  const add = "card --add-device --hostdev 01:00.0";
  assert.match(await virtXml(lab, `${add} --print-diff`), /^\+ +<hostdev mode="subsystem" type="pci" managed="yes">$/m);
  assert.match(await virtXml(lab, `${add} --update`), /hotplug successful.*defined successfully/s);
  await guestSays(lab, drivesAgain);
  const refused = await virtXml(lab, "card --add-device --hostdev 04:02.0 --update", 1);
  assert.match(
    refused,
    /Cannot assign 0000:04:02\.0: it is bound to no driver.* --hold 0000:04:01\.0 --hold 0000:04:03\.0$/m,
  );
});

section("virt-clone copies the card: the VM that starts first has it, and the other is told", async (lab) => {
  await virsh(lab, "destroy card");
  assert.match(await tool(lab, "virt-clone", "--original card --auto-clone"), /Clone 'card-clone' created/);
  const changes = "driver.name=vfio,rom.bar=off,xpath1.set=./@managed=no";
  assert.match(await virtXml(lab, `card --edit --hostdev ${changes} --start`), /defined succ.*started successfully/s);
  await guestSays(lab, drives);
  assert.match(await hostdevs(lab, "card"), /managed="no">.*<driver name="vfio".*<rom bar="off"/s);
  assert.match(await virsh(lab, "start card-clone", 1), /group \d+ is in use: .* of alex \(VM "card"\)/);
  await virsh(lab, "destroy card");
  await virsh(lab, "start card-clone");
  await guestSays(lab, drives);
  assert.match(await hostdevs(lab, "card-clone"), /managed="yes">/);
});

section("a script of python3-libvirt takes it out and puts it in, and is told when", async (lab) => {
  await copyFile(join(labDirectory, "scenarios/virt-install.py"), join(lab.exchangeDirectory, "script.py"));
  const lines = (await alex(lab, `python3 ${files}/script.py card-clone`)).trim().split("\n");
  assert.match(lines.shift() ?? "", /^access denied: .* run: hostdev-admin revoke 0000:01:00\.0$/);
  assert.deepEqual(lines, ["removed card-clone hostdev0", "added card-clone hostdev0"]);
  await guestSays(lab, drivesAgain);
  await virsh(lab, "destroy card-clone");
});

section("virt-install writes a VM for virsh, and runs one that is gone when it ends", async (lab) => {
  const printed = await virtInstall(lab, "--name printed --print-xml --hostdev 0:1:0.0 2>/dev/null");
  await writeFile(join(lab.exchangeDirectory, "printed.xml"), printed);
  await virsh(lab, `define ${files}/printed.xml`);
  await virsh(lab, "start printed");
  await guestSays(lab, drives);
  await until("the VM to end", async () => !(await virsh(lab, "list --name")).includes("printed"));
  const said = await virtInstall(lab, "--name passing --transient --wait --hostdev 0000:01:00.0");
  assert.match(said, /Domain has shutdown.*Domain creation completed/s);
  await guestSays(lab, drives);
});

section("afterwards everything is as it was", async (lab) => {
  assert.deepEqual((await virsh(lab, "list --all --name")).trim().split("\n"), ["card", "card-clone", "printed"]);
  await alex(lab, "for vm in card card-clone printed; do virsh -c qemu:///session undefine $vm || exit; done");
  await lab.root("hostdev-admin revoke 01:00.0", { check: true });
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  login.kill();
});
