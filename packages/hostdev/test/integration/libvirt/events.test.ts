// SPDX-License-Identifier: Apache-2.0

/** Everything that `virsh event --all` tells of the same happenings, on our daemon and on libvirt's. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { testCard, testGuest, unreadableGuest } from "../domains.ts";
import { lacks, skippedWhenQuick, startLibvirtd, startSessiond, TestUser } from "../programs.ts";
import { unreadableQcow2, watchdogImage } from "./event-images.ts";

const skip = skippedWhenQuick || lacks("virsh", "libvirt-clients") || lacks("qemu-system-x86_64", "qemu-system-x86");
const noDaemon = lacks("/usr/sbin/libvirtd", "libvirt-daemon libvirt-daemon-driver-qemu");

/** In this order; a pause lets QEMU, the guest and both daemons tell. */
const acts = [
  "resume vm",
  "setmem vm 65536",
  "setvcpus vm 2",
  "attach-device vm FOLDER/card.xml",
  "change-media vm sda --eject",
  "desc vm --live hello",
  "desc vm --config hello",
  "metadata vm urn:x --key k --set <a/> --live",
  "detach-device vm FOLDER/card.xml",
  "reset vm",
  "blkdeviotune vm vda --total-iops-sec 100",
  "vcpupin vm 0 0",
  "suspend vm",
  "resume vm",
  "destroy vm",
  "undefine vm",
];

async function eventsOf(start: (user: TestUser) => Promise<unknown>): Promise<readonly string[]> {
  const user = new TestUser();
  try {
    await start(user);
    const files = {
      "vm.xml": testGuest.replace("model='i6300esb' action='reset'", "model='ib700' action='pause'"),
      "bad.xml": unreadableGuest,
      "card.xml": testCard.replace(":aa'", ":bb'"),
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(user.folder, name), text.replaceAll("FOLDER", user.folder));
    }
    const images = { "disk.img": watchdogImage(), "bad.qcow2": unreadableQcow2(), "cd.iso": Buffer.alloc(65_536) };
    for (const [name, bytes] of Object.entries(images)) {
      writeFileSync(join(user.folder, name), bytes);
      user.own(join(user.folder, name));
    }
    return await provoke(user);
  } finally {
    await user.remove();
  }
}

async function provoke(user: TestUser): Promise<readonly string[]> {
  const uri = ["-c", "qemu:///session"];
  const virsh = (command: string) => {
    const words = command.split(" ").map((word) => word.replace("FOLDER", user.folder));
    const { status, stderr } = user.run("virsh", [...uri, ...words]);
    assert.equal(status, 0, `${command}: ${stderr}`);
  };
  const listener = user.start("stdbuf", ["--output=L", "virsh", ...uri, "event", "--all", "--loop"]);
  let heard = "";
  listener.child.stdout?.on("data", (chunk: Buffer) => {
    heard += chunk.toString();
  });
  const hear = async (what: RegExp, times = 1) => {
    const isThere = () => heard.split("\n").filter((line) => what.test(line)).length >= times;
    for (let left = 300; left > 0 && !isThere(); left--) await sleep(100);
    assert.ok(isThere(), `${what} has not been heard: ${heard}`);
  };
  virsh("define FOLDER/vm.xml");
  // The listener is ready when it tells of something.
  for (let left = 50; left > 0 && heard === ""; left--) {
    await sleep(100);
    virsh("desc vm --config there");
  }
  heard = "";
  virsh("start vm");
  await hear(/Suspended Watchdog/);
  for (const act of acts) {
    virsh(act);
    await sleep(150);
  }
  await hear(/Undefined Removed/);
  virsh("create FOLDER/bad.xml");
  await hear(/Suspended I\/O Error/);
  virsh("destroy bad");
  await hear(/Stopped Destroyed/, 2);
  assert.match(heard, /event 'rtc-change' for domain 'vm': -?\d+/); // by how much depends on the time
  const lines = heard.replaceAll(user.folder, "FOLDER").split("\n");
  // What told that the listener is ready may be late.
  const news = lines
    .slice(lines.findIndex((line) => line.includes("agent-lifecycle")))
    .filter((line) => line !== "" && !line.includes("rtc-change"));
  // A device that goes in a reset goes before or after it, by the daemon; the firmware may reset once more.
  const isRemoval = (line: string) => line.includes("device-removed");
  const others = news.filter((line) => !isRemoval(line));
  const rest = others.filter((line, index) => !(line.includes("'reboot'") && line === others[index - 1]));
  return [...rest, ...news.filter(isRemoval)];
}

test("virsh event --all tells of the same happenings the same on both daemons", {
  skip,
  timeout: 180_000,
}, async (t) => {
  const ours = await eventsOf(startSessiond);
  assert.ok(ours.length > 25, ours.join("\n"));
  if (noDaemon) t.diagnostic(`not compared with libvirt: ${noDaemon}`);
  else assert.deepEqual(ours, await eventsOf(startLibvirtd));
});
