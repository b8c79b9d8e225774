// SPDX-License-Identifier: Apache-2.0

/*
 * The note's story, told by unmodified virsh as alex on hostdev's daemon, which systemd starts for the first client: what
 * he is told before the card is lent, what changes when it is, a VM whose guest drives it, and everything as it was
 * afterwards. libvirt's own session daemon is beside it all the time, and is nobody's rival.
 */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { alex, virsh } from "../src/alex.ts";
import type { RunningCommand } from "../src/channel/command.ts";
import type { Lab } from "../src/lab.ts";
import { labScenario } from "../src/scenario.ts";
import { installSessionDaemon, sessionDaemonUnit as unit } from "../src/session-daemon.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";
import { guestXml } from "../src/story/guest-xml.ts";
import { until } from "../src/until.ts";

const { section } = labScenario();
const files = "/opt/lab/exchange";
const card = "pci_0000_01_00_0";
const legacy = "'qemu:///session?mode=legacy'";
let session: RunningCommand;
let before: Snapshot;
let grantCommand = "";

const daemonState = async (lab: Lab) => (await alex(lab, `systemctl --user is-active ${unit} || true`)).trim();
const daemonPid = (lab: Lab) => alex(lab, `systemctl --user show -P MainPID ${unit}`);

section(
  "installed as a package does it, the daemon comes with virsh's first command and goes when idle",
  async (lab) => {
    session = await installSessionDaemon(lab, { idle: "5s" });
    assert.equal(await daemonState(lab), "inactive");
    assert.match(await virsh(lab, "version"), /Using API: QEMU 11\.3\.0\nRunning hypervisor: QEMU 10\./);
    assert.equal(await daemonState(lab), "active");
    await until("the daemon to end", async () => (await daemonState(lab)) === "inactive");
  },
);

section("alex finds the card's group, and is told what root has to do", async (lab) => {
  before = await takeSnapshot(lab);
  assert.match(await virsh(lab, `nodedev-dumpxml ${card}`), /<driver>\s+<name>e1000e<.*<iommuGroup number='\d+'>/s);
  const refused = await virsh(lab, `nodedev-detach ${card}`, 1);
  grantCommand = /access denied: .* run: (hostdev-admin grant 0000:01:00\.0 --to alex)$/m.exec(refused)?.[1] ?? "";
  assert.notEqual(grantCommand, "", refused);
  const xml = guestXml({ name: "noted", devices: ["0000:01:00.0"], mode: "stay" });
  const ports = `<controller type='pci' index='0' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(2)}`;
  const stays = xml.replace("<on_reboot>destroy</on_reboot>", "").replace("<serial", `${ports}<serial`);
  await writeFile(join(lab.exchangeDirectory, "noted.xml"), stays);
  await writeFile(join(lab.exchangeDirectory, "card.xml"), /<hostdev.*<\/hostdev>/s.exec(xml)?.[0] ?? "");
  assert.match(await virsh(lab, `define ${files}/noted.xml`), /Domain 'noted' defined/);
  assert.match(await virsh(lab, "start noted", 1), /hostdev-admin grant 0000:01:00\.0 --to alex/);
});

section("libvirt's own session daemon is there as well, with other VMs", async (lab) => {
  const theirs = `virsh -c ${legacy}`;
  // virsh starts it by itself, and waits five seconds for it, which is short in emulation.
  await until("libvirt's daemon", async () => (await lab.alex(`${theirs} uri`, { login: true })).code === 0);
  assert.doesNotMatch(await alex(lab, `${theirs} list --all`), /noted/);
  assert.match(await virsh(lab, "list --all"), /noted +shut off/);
  assert.match(await alex(lab, "virsh -c 'qemu:///session?mode=direct' list --all"), /noted/);
  assert.doesNotMatch(await alex(lab, "virsh list --all"), /noted/); // libvirt's default: its own socket only
  assert.match(await alex(lab, "hostdev setup --default-uri && virsh list --all"), /noted +shut off/);
});

section("hostdev's verbs work on libvirt's daemon", async (lab) => {
  const plain = guestXml({ name: "theirs", devices: [], mode: "stay" }).replace("<on_reboot>destroy</on_reboot>", "");
  await writeFile(join(lab.exchangeDirectory, "theirs.xml"), plain);
  const on = `--connect ${legacy}`;
  await alex(lab, `hostdev define ${on} ${files}/theirs.xml && hostdev start ${on} theirs`);
  assert.match(await alex(lab, `hostdev list ${on}`), /theirs +running/);
  assert.match(await alex(lab, `hostdev dumpxml ${on} theirs`), /<domain type='qemu' id='\d+'/);
  await alex(lab, `hostdev suspend ${on} theirs && hostdev resume ${on} theirs && hostdev destroy ${on} theirs`);
  assert.match(await alex(lab, `hostdev undefine ${on} theirs; hostdev list ${on} --all`), /No VM is defined/);
});

section("root does what was told; then detaching is done, and the VM's guest drives the card", async (lab) => {
  await lab.root(grantCommand, { check: true });
  assert.match(await virsh(lab, `nodedev-detach ${card}`), new RegExp(`Device ${card} detached`));
  assert.match(await virsh(lab, `nodedev-dumpxml ${card}`), /<driver>\s+<name>vfio-pci</);
  const terminal = `script -qec 'virsh -c qemu:///session start noted --console' /dev/null`;
  const console = lab.spawn("alex", terminal, { login: true, keepInput: true });
  const guestSays = (text: RegExp) => until(`${text}\n${console.stdout}`, () => text.test(console.stdout));
  await guestSays(/guest: waiting/);
  for (const proof of [/link=up/, /got arp reply 10\.0\.2\.2/, /ping 10\.0\.2\.2 reply/, /nic \S+ interrupts=[1-9]/])
    assert.match(console.stdout, proof);
  assert.match(await virsh(lab, `detach-device noted ${files}/card.xml --live`), /Device detached/);
  await guestSays(/guest: hotplug removed/);
  assert.doesNotMatch(await virsh(lab, "dumpxml noted"), /<hostdev/);
  assert.match(await virsh(lab, `attach-device noted ${files}/card.xml --live`), /Device attached/);
  await guestSays(/guest: hotplug added.*got arp reply 10\.0\.2\.2.*PASS devices=1/s);
  assert.match(await virsh(lab, "dumpxml noted"), /<hostdev/);
  console.write("\x1d");
  assert.equal((await console.result).code, 0);
});

section("a running VM keeps its daemon, and is found again by the next one", async (lab) => {
  const pids = async () => `${await daemonPid(lab)}${(await lab.root("pgrep -x qemu-system-x86")).stdout}`.split("\n");
  const [daemon, qemu] = await pids();
  await sleep(8000);
  assert.deepEqual(await pids(), [daemon, qemu, ""]); // nobody was connected for longer than it takes to be idle
  await alex(lab, `systemctl --user kill --kill-whom=main -s KILL ${unit}`);
  assert.match(await virsh(lab, "list"), /noted +running/);
  const [next, same] = await pids();
  assert.equal(same, qemu);
  assert.notEqual(next, daemon);
  // What the next daemon may lock is what the grant gave, though its service manager runs since before.
  await virsh(lab, "destroy noted");
  assert.match(await virsh(lab, "start noted"), /Domain 'noted' started/);
  const { code, stderr } = await lab.root("hostdev-admin revoke 01:00.0");
  assert.equal(code, 7, stderr);
  assert.match(stderr, /of alex \(VM "noted"\)/);
});

section("afterwards everything is as it was, and qemu:///session is libvirt's again", async (lab) => {
  await virsh(lab, "destroy noted");
  await virsh(lab, "undefine noted");
  await lab.root("hostdev-admin revoke 01:00.0", { check: true });
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  await alex(lab, `systemctl --user disable --now ${unit}.socket ${unit}.service`);
  await alex(lab, "virsh -c qemu:///session define /opt/lab/exchange/theirs.xml");
  assert.match(await alex(lab, `virsh -c ${legacy} list --all`), /theirs +shut off/);
  session.kill();
});
