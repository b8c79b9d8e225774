// SPDX-License-Identifier: Apache-2.0

/** virt-manager on our daemon, with real windows on a screen that nobody sees. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { testDomain } from "../domains.ts";
import { endProcess, lacks, skippedWhenQuick, startSessiond, TestUser } from "../programs.ts";
import { openScreen, type Screen } from "../screen.ts";
import { type WindowCase, windowCases } from "./window-cases.ts";

const skip =
  skippedWhenQuick ||
  lacks("qemu-system-x86_64", "qemu-system-x86") ||
  lacks("virt-manager", "virt-manager") ||
  lacks("Xvfb", "xvfb") ||
  lacks("xdotool", "xdotool") ||
  lacks("dbus-daemon", "dbus-daemon");

const user = new TestUser();
const virsh = (...args: readonly string[]) => user.run("virsh", ["-c", "qemu:///session", ...args]);
let screen: Screen;

/** One with a screen, whose firmware draws something there, and one that only has a serial port. */
const domains = {
  shown: testDomain
    .replace("<name>vm<", "<name>shown<")
    .replace("Trial machine", "Shown machine")
    .replace(
      "</devices>",
      "<graphics type='vnc'><listen type='socket'/></graphics><video><model type='vga'/></video></devices>",
    ),
  serial: testDomain
    .replace("<name>vm<", "<name>serial<")
    .replace("Trial machine", "Serial machine")
    .replace("0000000000aa", "0000000000ab"),
};

before(async () => {
  if (skip) return;
  await startSessiond(user);
  screen = await openScreen(user);
  for (const [name, xml] of Object.entries(domains)) {
    writeFileSync(join(user.folder, `${name}.xml`), xml);
    assert.equal(virsh("define", join(user.folder, `${name}.xml`)).status, 0);
    assert.equal(virsh("start", name).status, 0);
  }
});
after(() => {
  return user.remove();
});

const log = () => {
  try {
    return readFileSync(join(user.folder, "home/.cache/virt-manager/virt-manager.log"), "utf8");
  } catch {
    return "";
  }
};

const opening = `
import libvirt, sys
connection = libvirt.open("qemu:///session")
connection.lookupByName(sys.argv[1]).openConsole(None, connection.newStream(0), 0)
`;

/** Tries to get a VM's console, as another client; virsh does so on terminals only. @returns what is said against it. */
const openConsole = (name: string) => user.run("/usr/bin/python3", ["-c", opening, name]).stderr;

async function isIn(text: () => string, wanted: RegExp): Promise<boolean> {
  for (let attempt = 0; attempt < 300 && !wanted.test(text()); attempt++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  return wanted.test(text());
}

for (const each of windowCases) test(`virt-manager ${each.command}`, { skip, timeout: 120_000 }, () => open(each));

async function open({ command, title, logs, holdsConsole }: WindowCase): Promise<void> {
  const before = log().length;
  const logged = () => log().slice(before);
  const args = ["--connect", "qemu:///session", "--no-fork", ...command.split(" ").filter(Boolean)];
  const { child, said } = screen.start("virt-manager", args);
  try {
    assert.ok(screen.hasWindow(title), `no window ${title}: ${logged()}${said()}`);
    if (logs !== undefined) assert.ok(await isIn(logged, logs), logged());
    if (holdsConsole !== undefined)
      assert.ok(await isIn(() => openConsole(holdsConsole), /Active console session/), logged());
    await new Promise((resolve) => setTimeout(resolve, 1500)); // it looks at everything once a second
    assert.doesNotMatch(logged(), /ERROR|Traceback|libvirtError/);
    assert.doesNotMatch(said(), / error : |Traceback/); // what libvirt's library says by itself
  } finally {
    await endProcess(child);
  }
}

test("virt-manager makes its default pool, as on libvirt", { skip }, () => {
  assert.match(virsh("pool-list", "--autostart").stdout, / default +active +yes/);
  assert.match(virsh("pool-dumpxml", "default").stdout, /<path>.*\/home\/\.local\/share\/libvirt\/images<\/path>/);
});
