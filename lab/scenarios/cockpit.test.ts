// SPDX-License-Identifier: Apache-2.0

/*
 * A card that is lent to alex goes into his VM by cockpit's page alone: in a browser on the host he logs in with his password,
 * reads why the card is not his yet, and adds it, runs the VM, takes it out and puts it in again while the guest runs. The
 * guest is watched on the page's own console. With HOSTDEV_SCREENSHOTS=FOLDER each section leaves a picture there.
 */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after } from "node:test";
import { alex, virsh } from "../src/alex.ts";
import { lacks, Page, TestUser, vmPage } from "../src/browser.ts";
import type { RunningCommand } from "../src/channel/command.ts";
import { type ForwardedPort, forwardPort } from "../src/channel/forward-port.ts";
import type { Lab } from "../src/lab.ts";
import { labScenario } from "../src/scenario.ts";
import { installSessionDaemon, sessionDaemonUnit } from "../src/session-daemon.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";
import { guestXml } from "../src/story/guest-xml.ts";

const { section } = labScenario({ skip: lacks("chromium", "chromium") });
const pictures = process.env["HOSTDEV_SCREENSHOTS"];
const card = "0000:01:00.0";
const name = "lent";
const password = "a password of the lab";
let session: RunningCommand;
let cockpit: ForwardedPort | undefined;
let user: InstanceType<typeof TestUser> | undefined;
let page: Page;
let before: Snapshot;
let grantCommand = "";
let sectionsSeen = 0;
let hasFailed = false;

after(async () => {
  await user?.remove();
  await cockpit?.close();
});

/** A section that leaves a picture, also when it fails; nothing that the page's scripts throw may go uncaught. */
function pageSection(title: string, run: (lab: Lab) => Promise<void>): void {
  section(title, async (lab) => {
    assert.ok(!hasFailed, "it goes on from a section that failed");
    hasFailed = true;
    sectionsSeen += 1;
    try {
      await run(lab);
      hasFailed = false;
    } finally {
      if (pictures !== undefined) await page?.screenshot(join(pictures, `lab-cockpit-${sectionsSeen}.png`));
    }
    assert.deepEqual(page.exceptions, []);
  });
}

/** Waits until the page's console shows these, in this order; it breaks lines anywhere. */
async function guestSays(...texts: readonly string[]): Promise<void> {
  const pattern = texts.map((text) => text.replaceAll(" ", "").replaceAll(".", "\\.")).join(".*");
  await page.until(`/${pattern}/.test(document.body.innerText.replaceAll(/\\s/g, ""))`);
}

const proof = ["link=up", "got arp reply 10.0.2.2", "ping 10.0.2.2 reply", "interrupts=", "PASS devices=1", "waiting"];

pageSection("alex logs in with his password, and the list shows the VM of his session", async (lab) => {
  session = await installSessionDaemon(lab);
  const ports = `<controller type='pci' index='0' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(2)}`;
  const xml = guestXml({ name, devices: [], mode: "stay" });
  const stays = xml.replace("<on_reboot>destroy</on_reboot>", "").replace("<serial", `${ports}<serial`);
  await writeFile(join(lab.exchangeDirectory, "lent.xml"), stays);
  await virsh(lab, "define /opt/lab/exchange/lent.xml");
  await lab.root("chpasswd", { input: `alex:${password}\n`, check: true });
  cockpit = await forwardPort(lab.machine.channel, 9090);
  user = new TestUser();
  page = await Page.open(user, 1280, 2000); // all of it in sight: the page's console writes nothing when it is not
  page.patienceMs = 120_000; // one emulated processor for cockpit's server, its bridge, libvirt-dbus and the daemon
  await page.goTo(`http://127.0.0.1:${cockpit.port}/cockpit/@localhost/machines/index.html`);
  await page.write("#login-user-input", "alex");
  await page.write("#login-password-input", password);
  await page.click("#login-button");
  await vmPage.seesList(page);
  await page.sees(/lent\s+User session\s+Shut off/);
  before = await takeSnapshot(lab);
});

pageSection("before the grant *Run* with the card says why it can't start, and what root has to do", async (lab) => {
  await page.click("a", name);
  const { stdout } = await lab.root("ls /sys/bus/pci/devices", { check: true });
  await vmPage.marksHostDevice(page, card, stdout.trim().split("\n"));
  await vmPage.addsMarkedDevice(page, name, card);
  await page.click(`#vm-${name}-session-run`);
  await page.click("button", "view more");
  await page.sees(/Cannot assign 0000:01:00\.0: it is bound to e1000e, not to vfio-pci/);
  grantCommand = /run: (hostdev-admin grant .*)$/m.exec(await page.text())?.[1] ?? "";
  assert.match(grantCommand, /^hostdev-admin grant 0000:01:00\.0 --to alex --memory 256MiB$/);
  assert.match(await virsh(lab, `domstate ${name}`), /^shut off/);
  if (pictures !== undefined) await page.screenshot(join(pictures, "lab-cockpit-refused.png"));
  await vmPage.removesHostDevice(page, name);
});

pageSection("root does what the page says; the card is added, and the VM's guest drives it", async (lab) => {
  await lab.root(grantCommand, { check: true, timeoutMs: 180_000 });
  await vmPage.marksHostDevice(page, card);
  await vmPage.addsMarkedDevice(page, name, card);
  await page.click(`#vm-${name}-session-run`);
  await page.sees(`Connected to domain '${name}'`);
  // The console came later than the guest's first lines: it starts again.
  await vmPage.choosesFromMenu(page, name, "Force reboot");
  await vmPage.confirms(page, "Force reboot");
  await guestSays("start mode=stay", ...proof);
  assert.match(await virsh(lab, `dumpxml ${name}`), /<hostdev mode='subsystem' type='pci' managed='yes'>/);
});

pageSection("while it runs, *Remove* takes the card out, and *Add host device* puts it in again", async (lab) => {
  await vmPage.removesHostDevice(page, name);
  await guestSays(...proof, "hotplug removed");
  for (const which of ["", "--inactive"]) assert.doesNotMatch(await virsh(lab, `dumpxml ${name} ${which}`), /<hostdev/);
  await vmPage.marksHostDevice(page, card);
  await vmPage.addsMarkedDevice(page, name, card);
  await guestSays("hotplug removed", "hotplug added", ...proof);
  for (const which of ["", "--inactive"]) assert.match(await virsh(lab, `dumpxml ${name} ${which}`), /<hostdev/);
});

pageSection("the VM is ended and deleted; after the revoke everything is as it was", async (lab) => {
  await vmPage.forcesOff(page, name);
  await vmPage.removesHostDevice(page, name);
  await vmPage.deletesVm(page, name);
  assert.equal((await virsh(lab, "list --all --name")).trim(), "");
  await page.goTo("about:blank"); // alex leaves, and cockpit with him: nothing asks for the VMs' state any more
  await lab.root(`hostdev-admin revoke ${card}`, { check: true, timeoutMs: 180_000 });
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  const both = `${sessionDaemonUnit}.socket ${sessionDaemonUnit}.service`;
  await alex(lab, `systemctl --user disable --now ${both}`); // libvirt-dbus is its client still
  assert.equal(await alex(lab, `systemctl --user show -P Result ${sessionDaemonUnit}`), "success\n");
  session.kill();
});
