// SPDX-License-Identifier: Apache-2.0

/** What can be seen and changed of a running VM's devices, on the real QEMU. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { home } from "./session-home.ts";

const hasQemu = spawnSync("qemu-system-x86_64", ["--version"]).status === 0;
const options = { skip: hasQemu ? false : "there is no qemu-system-x86_64", timeout: 120_000 };

const xml = (name: string, devices: string) => `<domain type='qemu'>
  <name>${name}</name><memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os>
  <devices><controller type='pci' index='0' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(6)}${devices}</devices></domain>`;

const isUnsupported = (text: RegExp) => (error: unknown) =>
  isHostdevError(error, "HD_DOMAIN_UNSUPPORTED") && text.test(error.message);

test("the live XML has the ports that a screen was given", options, async (context) => {
  const session = await home(context).open();
  const screen = "<graphics type='vnc' port='-1' autoport='yes' websocket='-1' passwd='old' listen='127.0.0.1'/>";
  const domain = await session.createXml(xml("screen", screen), { paused: true });
  const [, port] = /<graphics type='vnc' port='(\d+)' autoport='yes'/.exec(domain.getXml()) ?? [];
  assert.ok(Number(port) >= 5900, domain.getXml());
  assert.match(domain.getXml(), /websocket='57\d\d'/);
  assert.match(domain.getXml(), /<listen type='address' address='127.0.0.1'\/>/);

  const changed = (more: string) => `<graphics type='vnc' port='${port}' autoport='yes' listen='127.0.0.1' ${more}/>`;
  await domain.updateDevice(changed("passwd='new'"), "live");
  assert.match(domain.getXml({ secure: true }), /passwd='new'/);
  await assert.rejects(
    domain.updateDevice(changed("keymap='de'"), "live"),
    isUnsupported(/its keymap cannot be changed/),
  );
  const elsewhere = "<graphics type='vnc' port='5999' autoport='no'/>";
  await assert.rejects(domain.updateDevice(elsewhere, "live"), isUnsupported(/its port cannot be changed/));
  await domain.destroy();
});

test("of a running VM's interface only the link changes", options, async (context) => {
  const session = await home(context).open();
  const card = (more: string) => `<interface type='user'><mac address='52:54:00:00:00:09'/>${more}</interface>`;
  const domain = await session.createXml(xml("linked", card("<model type='virtio'/>")), { paused: true });
  await domain.updateDevice(card("<model type='virtio'/><link state='down'/>"), "live");
  assert.match(domain.getXml(), /<link state='down'\/>/);
  await assert.rejects(domain.updateDevice(card("<model type='e1000'/>"), "live"), isUnsupported(/its model/));
  await domain.destroy();
});

test("an image that a running VM has is found before QEMU finds it", options, async (context) => {
  const { directory, open } = home(context);
  const session = await open();
  const image = join(directory, "shared.img");
  closeSync(openSync(image, "w"));
  truncateSync(image, 1 << 20);
  const disk = (more = "") =>
    `<disk type='file'><source file='${image}'/><target dev='vda' bus='virtio'/>${more}</disk>`;
  const first = await session.createXml(xml("first", disk()), { paused: true });
  const inUse = (error: unknown) => error instanceof Error && /disk vda\): VM "first" uses it/.test(error.message);
  for (const more of ["", "<readonly/>", "<shareable/>"])
    await assert.rejects(session.createXml(xml("second", disk(more)), { paused: true }), inUse);
  await first.destroy();

  // What QEMU lets two have, the check lets them have: nobody writes, or both share.
  for (const more of ["<readonly/>", "<shareable/>"]) {
    const one = await session.createXml(xml("one", disk(more)), { paused: true });
    const two = await session.createXml(xml("two", disk(more)), { paused: true });
    await one.destroy();
    await two.destroy();
  }
});

test(
  "a USB device that is not there is waited for only if it may be away; it goes as it came",
  options,
  async (context) => {
    const session = await home(context).open();
    const usb = (policy: string) => `<hostdev mode='subsystem' type='usb'>
    <source startupPolicy='${policy}'><vendor id='0x1d6b'/><product id='0xfffe'/></source></hostdev>`;
    const bare = xml("usb", "<controller type='usb' model='qemu-xhci'/>");
    const missing = /There is no USB device 1d6b:fffe/;
    await assert.rejects(session.createXml(bare.replace("</devices>", `${usb("mandatory")}</devices>`)), missing);
    const domain = await session.createXml(bare, { paused: true });
    await assert.rejects(domain.attachDevice(usb("mandatory"), "live"), missing);
    await domain.attachDevice(usb("optional"), "live");
    assert.match(domain.getXml(), /<product id='0xfffe'\/>[\s\S]*<address type='usb' bus='0' port='1'\/>/);
    assert.equal(await domain.detachDevice(usb("optional"), "live"), "removed");
    assert.doesNotMatch(domain.getXml(), /0xfffe/);
    await domain.destroy();
  },
);
