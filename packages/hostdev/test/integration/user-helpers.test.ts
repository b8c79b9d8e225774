// SPDX-License-Identifier: Apache-2.0

/** The programs beside QEMU (swtpm, passt, virtiofsd, a vhost-user disk), real ones, for an ordinary user's VM. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { realHost } from "../../src/core/real-host.ts";
import { findProgram } from "../../src/session/find-program.ts";
import { packageRoot } from "../style/source-tree.ts";
import { lacks, skippedWhenQuick, TestUser } from "./programs.ts";

const skip = skippedWhenQuick || lacks("qemu-system-x86_64", "qemu-system-x86");
const user = new TestUser();
cpSync(join(packageRoot, "dist"), join(user.folder, "dist"), { recursive: true });
after(() => user.remove());

function hostdev(...args: string[]) {
  return user.run(process.execPath, [join(user.folder, "dist/hostdev.js"), ...args]);
}

/** Starts a VM with these devices, and gives its live XML. */
function start(name: string, devices: string): string {
  const file = write(
    `${name}.xml`,
    `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory>
      <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
      <os><type machine='q35'>hvm</type></os>
      <devices>${devices}<controller type='pci' index='0' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(6)}</devices></domain>`,
  );
  for (const step of [
    ["define", file],
    ["start", name, "--paused"],
  ]) {
    const { status, stderr } = hostdev(...step);
    assert.equal(status, 0, stderr);
  }
  return hostdev("dumpxml", name).stdout;
}

function write(name: string, text: string): string {
  const path = join(user.folder, name);
  writeFileSync(path, text);
  return path;
}

/** How many programs of the user have this on their command line. */
function running(pattern: string): number {
  return spawnSync("pgrep", ["-fc", `${pattern}.*${user.runtime}`], { encoding: "utf8" }).stdout.trim() === "0" ? 0 : 1;
}

test("a user's VM has a TPM by swtpm", { skip: skip || lacks("swtpm_setup", "swtpm-tools"), timeout: 60_000 }, () => {
  start("measured", "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>");
  assert.equal(running("swtpm socket"), 1);
  assert.equal(hostdev("destroy", "measured").status, 0);
});

const passt = (mac: string) =>
  `<interface type='user'><mac address='${mac}'/><backend type='passt'/><model type='virtio'/></interface>`;

test("a user's VM has networks by passt, at its start and later", {
  skip: skip || lacks("passt", "passt"),
  timeout: 60_000,
}, () => {
  start("reached", passt("52:54:00:00:00:01"));
  assert.equal(running("passt --foreground"), 1);
  const { status, stderr } = hostdev("attach", "reached", write("card.xml", passt("52:54:00:00:00:02")));
  assert.equal(status, 0, stderr);
  assert.match(hostdev("dumpxml", "reached").stdout, /52:54:00:00:00:02/);
  assert.equal(hostdev("destroy", "reached").status, 0);
});

const virtiofsd = findProgram(realHost(), "virtiofsd");
const isOld = /^virtiofsd version/m.test(
  virtiofsd === undefined ? "" : spawnSync(virtiofsd, ["--version"]).stdout.toString(),
);

test("a user's VM has a folder by virtiofsd, or the check says which virtiofsd it takes", {
  skip: skip || (virtiofsd === undefined && "there is no virtiofsd"),
  timeout: 60_000,
}, () => {
  const devices = `<filesystem><driver type='virtiofs'/><source dir='${user.folder}/home'/><target dir='tag'/></filesystem>`;
  if (!isOld) {
    assert.match(start("shared", devices), /<target dir='tag'\/>/);
    assert.equal(hostdev("destroy", "shared").status, 0);
    return;
  }
  assert.throws(() => start("shared", devices), /this virtiofsd, of QEMU before 8\.0, is for root alone/);
});

test("a user's VM has a disk that another program serves, and waits for none that does not", {
  skip: skip || lacks("qemu-storage-daemon", "qemu-utils"),
  timeout: 60_000,
}, async () => {
  const socket = join(user.folder, "disk.sock");
  const disk = `<disk type='vhostuser'><source type='unix' path='${socket}'/><target dev='vda' bus='virtio'/></disk>`;
  assert.throws(() => start("served", disk), /disk\.sock \(disk vda\): it does not exist/);
  const image = "driver=null-co,node-name=image,size=1048576";
  const serve = `type=vhost-user-blk,id=served,node-name=image,addr.type=unix,addr.path=${socket},writable=on`;
  user.start("qemu-storage-daemon", ["--blockdev", image, "--export", serve]);
  for (let tries = 0; !existsSync(socket) && tries < 100; tries++) await new Promise((go) => setTimeout(go, 50));
  assert.match(start("served", disk), /<disk type='vhostuser'/);
  assert.equal(hostdev("destroy", "served").status, 0);
});
