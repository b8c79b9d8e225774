// SPDX-License-Identifier: Apache-2.0

/**
 * cockpit's page for VMs in headless Chromium: the user's session is our daemon, seen through libvirt-dbus. With
 * HOSTDEV_SCREENSHOTS=FOLDER each step leaves a picture there.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { testDomain } from "../domains.ts";
import { lacks, skippedWhenQuick, startSessiond, TestUser } from "../programs.ts";
import { lacksCockpit } from "../unpacked-programs.ts";
import { Page } from "./browser.ts";
import { type Desk, device, machinesSteps } from "./machines-steps.ts";
import { startCockpit } from "./start-cockpit.ts";

const skip =
  skippedWhenQuick ||
  lacksCockpit ||
  lacks("qemu-system-x86_64", "qemu-system-x86") ||
  lacks("virsh", "libvirt-clients") ||
  lacks("/usr/bin/virt-xml", "virtinst") ||
  (device === undefined && "this machine has no PCI device");
const pictures = process.env["HOSTDEV_SCREENSHOTS"];

const user = new TestUser();
let desk: Desk;
let hasFailed = false;

function virsh(command: string): string {
  const { status, stdout, stderr } = user.run("virsh", ["-c", "qemu:///session", ...command.split(" ")]);
  assert.equal(status, 0, `virsh ${command}: ${stderr}`);
  return stdout;
}

before(async () => {
  if (skip) return;
  await startSessiond(user);
  const definition = join(user.folder, "vm.xml");
  writeFileSync(definition, testDomain);
  virsh(`define ${definition}`);
  const { url } = await startCockpit(user);
  desk = { url, virsh, page: await Page.open(user) };
});
after(() => user.remove());

for (const [index, { name, act }] of machinesSteps.entries()) {
  test(name, { skip, timeout: 60_000 }, async (t) => {
    if (hasFailed) return t.skip("it goes on from a step that failed");
    hasFailed = true;
    try {
      await act(desk);
      hasFailed = false;
    } finally {
      if (pictures !== undefined) await desk.page.screenshot(join(pictures, `cockpit-${index + 1}.png`));
    }
    assert.deepEqual(desk.page.exceptions, []);
  });
}
