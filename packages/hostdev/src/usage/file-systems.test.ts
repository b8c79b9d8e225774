// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMachine } from "../../test/fake-host/index.ts";
import { DeviceFinder } from "./file-systems.ts";
import type { Mount } from "./mounts.ts";
import { Reader } from "./reader.ts";

const mount = (change: Partial<Mount>): Mount => ({
  number: "0:50",
  point: "/data",
  type: "ext4",
  source: "none",
  options: "rw",
  ...change,
});

function finder(...own: Mount[]): DeviceFinder {
  const host = fakeMachine()
    .function("0000:00:17.0", { class: "010601", driver: "ahci", disks: { sda: 1, sdb: 1 } })
    .open();
  return new DeviceFinder(new Reader(host), { own, foreign: [] });
}

test("ofMount() goes by the device number, whatever the source says", () => {
  assert.deepEqual(finder().ofMount(mount({ number: "8:1", source: "/dev/root" })), ["sda1"]);
});

test("ofMount() finds devices that only the options name", () => {
  const xfs = mount({ number: "8:1", type: "xfs", options: "rw,logdev=/dev/sdb1,rtdev=/dev/sda,noquota" });
  assert.deepEqual(finder().ofMount(xfs), ["sda1", "sdb1", "sda"]);
});

test("ofMount() takes all of several sources", () => {
  assert.deepEqual(finder().ofMount(mount({ type: "bcachefs", source: "/dev/sda1:/dev/sdb1" })), ["sda1", "sdb1"]);
});

test("ofMount() finds none for what is not on a block device", () => {
  for (const source of ["tmpfs", "server:/export", "//server/share", ""]) {
    assert.deepEqual(finder().ofMount(mount({ source })), []);
  }
});

test("fileSystems() leaves out what has neither devices nor a pool", () => {
  const found = finder(mount({ source: "tmpfs" }), mount({ type: "zfs", source: "tank/data" })).fileSystems();
  assert.deepEqual(found, [{ devices: [], zfsPool: "tank", point: "/data" }]);
});

test("fileSystems() gives each once, by its shortest mount point here", () => {
  const there = mount({ number: "8:1", point: "/x of process 7" });
  const host = fakeMachine()
    .function("0000:00:17.0", { class: "010601", driver: "ahci", disks: { sda: 1 } })
    .open();
  const own = [mount({ number: "8:1", point: "/srv/a/long/path" }), mount({ number: "8:1", point: "/var/lib/data" })];
  const found = new DeviceFinder(new Reader(host), { own, foreign: [there] }).fileSystems();
  assert.deepEqual(
    found.map(({ point }) => point),
    ["/var/lib/data"],
  );
});
