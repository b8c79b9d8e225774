// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeHost, type FakeMachine, type FunctionOptions, fakeMachine } from "../../test/fake-host/index.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import { readUsage } from "./read-usage.ts";

const nvme0 = "0000:01:00.0";
const nvme1 = "0000:02:00.0";
const sata = "0000:00:17.0";

/** A machine with two NVMe disks of three partitions each, `259:1` and `259:17` the first, and SATA disks. */
function machine() {
  const disk = (name: string): FunctionOptions => ({ class: "010802", driver: "nvme", nvme: { name, partitions: 3 } });
  return fakeMachine()
    .function(nvme0, disk("nvme0"))
    .function(nvme1, disk("nvme1"))
    .function(sata, { class: "010601", driver: "ahci", disks: { sda: 1, sdb: 1 } });
}

/** A block device that is not below a function: a mapped volume, an array, a loop device. */
function addVirtual(
  { fs }: FakeMachine,
  name: string,
  number: string,
  {
    slaves = [],
    files = {},
    folder = "block",
  }: { slaves?: string[]; files?: Record<string, string>; folder?: string } = {},
): void {
  const path = `/sys/devices/virtual/${folder}/${name}`;
  const put = (file: string, text: string) =>
    fs.add(file, { kind: "file", content: text, mode: 0o444, uid: 0, gid: 0 });
  put(`${path}/dev`, `${number}\n`);
  for (const [file, text] of Object.entries(files)) put(`${path}/${file}`, text);
  for (const link of [`/sys/class/block/${name}`, `/sys/block/${name}`, `/sys/dev/block/${number}`])
    fs.link(link, path);
  for (const slave of slaves) {
    fs.link(`${path}/slaves/${slave}`, `/sys/class/block/${slave}`);
    const { path: below } = fs.walk(`/sys/class/block/${slave}`, { uid: 0, gid: 0, groups: [], pid: 0 });
    fs.link(`${below}/holders/${name}`, path);
  }
  put(`/dev/${name}`, "");
}

const pathsOf = (host: FakeHost) =>
  readUsage(host, enumerateFunctions(host)).uses.map(({ address, kind, path }) => `${address} ${kind}: ${path}`);

test("readUsage() finds the root and other mounts on partitions of an NVMe disk", () => {
  const host = machine()
    .mount("/dev/nvme0n1p2", "/", "ext4", "259:2")
    .mount("/dev/nvme0n1p1", "/boot/efi", "vfat", "259:1")
    .mount("tmpfs", "/tmp", "tmpfs")
    .open();

  const { uses, unread } = readUsage(host, enumerateFunctions(host));

  assert.deepEqual(unread, []);
  assert.deepEqual(uses, [
    {
      address: nvme0,
      kind: "root",
      path: "nvme0n1p2 -> /",
      text: "0000:01:00.0 carries the root file system (nvme0n1p2 -> /)",
    },
    {
      address: nvme0,
      kind: "mount",
      path: "nvme0n1p1 -> /boot/efi",
      text: "0000:01:00.0 carries the file system mounted at /boot/efi (nvme0n1p1 -> /boot/efi)",
    },
  ]);
});

test("readUsage() names a file system once, by the mount that says most", () => {
  const host = machine()
    .mount("/dev/nvme0n1p1", "/srv/a\\040long\\040name", "ext4", "259:1")
    .mount("/dev/nvme0n1p1", "/home", "ext4", "259:1")
    .mount("/dev/nvme1n1p1", "/var/lib/container", "ext4", "259:17")
    .mount("/dev/nvme1n1p1", "/", "ext4", "259:17")
    .open();
  assert.deepEqual(pathsOf(host), [`${nvme0} mount: nvme0n1p1 -> /home`, `${nvme1} root: nvme1n1p1 -> /`]);
});

test("readUsage() goes down LVM on crypt on md to every disk of the array", () => {
  const built = machine().mount("/dev/mapper/vg-home", "/home", "xfs", "253:1").build();
  addVirtual(built, "md0", "9:0", { slaves: ["nvme0n1p2", "nvme1n1p2"], files: { "md/level": "raid1\n" } });
  addVirtual(built, "dm-0", "253:0", {
    slaves: ["md0"],
    files: { "dm/name": "luks-md0\n", "dm/uuid": "CRYPT-LUKS2-x\n" },
  });
  addVirtual(built, "dm-1", "253:1", { slaves: ["dm-0"], files: { "dm/name": "vg-home\n", "dm/uuid": "LVM-x\n" } });
  addVirtual(built, "dm-2", "253:2", { slaves: ["dm-0"], files: { "dm/name": "vg-spare\n", "dm/uuid": "LVM-y\n" } });
  const host = built.open();

  assert.deepEqual(pathsOf(host), [
    `${nvme0} mount: nvme0n1p2 -> md0 -> dm-0 -> dm-1 -> /home`,
    `${nvme0} storage-stack: nvme0n1p2 -> md0 -> dm-0 -> dm-2`,
    `${nvme1} mount: nvme1n1p2 -> md0 -> dm-0 -> dm-1 -> /home`,
    `${nvme1} storage-stack: nvme1n1p2 -> md0 -> dm-0 -> dm-2`,
  ]);
  const texts = readUsage(host, enumerateFunctions(host)).uses.map((use) => use.text);
  assert.match(texts[1] ?? "", /^0000:01:00.0 carries LVM volume vg-spare, not mounted \(/);
});

test("readUsage() takes a mounted partition of an array for the array's disks", () => {
  const built = machine().mount("/dev/md0p1", "/srv", "ext4", "259:64").build();
  addVirtual(built, "md0", "9:0", { slaves: ["sda1", "sdb1"], files: { "md/level": "raid1\n" } });
  addVirtual(built, "md0p1", "259:64", { folder: "block/md0", files: { partition: "1\n" } });
  assert.deepEqual(pathsOf(built.open()), [`${sata} mount: sda1 -> md0p1 -> /srv`]);
});

test("readUsage() takes a disk for used that an unknown holder has, or bcache", () => {
  const built = machine().build();
  built.fs.link(`${built.function(nvme0).path}/nvme/nvme0/nvme0n1/holders/vx0`, "/sys/devices/virtual/vx0");
  built.fs.directory(`${built.function(nvme1).path}/nvme/nvme1/nvme1n1/nvme1n1p3/bcache`);
  assert.deepEqual(pathsOf(built.open()), [
    `${nvme0} storage-stack: nvme0n1 -> vx0`,
    `${nvme1} storage-stack: nvme1n1p3 -> bcache`,
  ]);
});

test("readUsage() finds all devices of a btrfs, whichever of them the mount names", () => {
  const built = machine().mount("/dev/nvme0n1p3", "/data", "btrfs", "0:42").build();
  for (const name of ["nvme0n1p3", "sda1"]) {
    built.fs.link(`/sys/fs/btrfs/11-22/devices/${name}`, `/sys/class/block/${name}`);
  }
  built.fs.link("/sys/fs/btrfs/33-44/devices/sdb1", "/sys/class/block/sdb1");
  built.fs.directory("/sys/fs/btrfs/features");
  assert.deepEqual(pathsOf(built.open()), [
    `${sata} mount: sda1 -> /data`,
    `${sata} mount: sdb1 -> btrfs file system`,
    `${nvme0} mount: nvme0n1p3 -> /data`,
  ]);
});

test("readUsage() finds the members of an imported ZFS pool by udev's records, and takes unknown disks for members", () => {
  const built = machine()
    .mount("rpool/ROOT/debian", "/", "zfs", "0:30")
    .mount("rpool/home", "/home", "zfs", "0:31")
    .build();
  const record = (number: string, ...lines: string[]) =>
    built.fs.add(`/run/udev/data/b${number}`, { kind: "file", content: lines.join("\n"), mode: 0o644, uid: 0, gid: 0 });
  record("259:1", "E:ID_FS_TYPE=vfat");
  record("259:2", "I:1", "E:ID_FS_TYPE=zfs_member", "E:ID_FS_LABEL=rpool");
  record("259:3", "E:ID_PART_ENTRY_TYPE=6a898cc3-1dd2-11b2-99a6-080020736631");
  record("259:17", "E:ID_FS_TYPE=zfs_member", "E:ID_FS_LABEL=exported");
  record("259:18", "");
  record("259:19", "E:ID_PART_ENTRY_TYPE=0fc63daf-8483-4772-8e79-3d69d8477de4");
  record("8:1", "E:ID_FS_TYPE=ext4");
  assert.deepEqual(pathsOf(built.open()), [
    `${sata} root: sdb1 -> /`,
    `${nvme0} root: nvme0n1p2 -> /`,
    `${nvme1} root: nvme1n1p2 -> /`,
  ]);
});

test("readUsage() finds a ZFS pool that is imported and not mounted", () => {
  const built = fakeMachine()
    .function(sata, { class: "010601", driver: "ahci", disks: { sda: 0 } })
    .file("/proc/spl/kstat/zfs/tank/state", "ONLINE\n")
    .file("/proc/spl/kstat/zfs/arcstats", "")
    .build();
  assert.deepEqual(pathsOf(built.open()), [`${sata} storage-stack: sda -> ZFS pool tank`]);
});

test("readUsage() takes unmarked disks for part of a mounted stack of an unknown kind", () => {
  const built = machine().mount("/dev/vx/dsk/vol", "/data", "vxfs", "199:1").build();
  addVirtual(built, "VxVM1", "199:1");
  for (const number of ["259:1", "259:2", "259:3", "259:17", "259:18", "8:1", "8:17"]) {
    const content = "E:ID_FS_TYPE=ext4\n";
    built.fs.add(`/run/udev/data/b${number}`, { kind: "file", content, mode: 0o644, uid: 0, gid: 0 });
  }
  assert.deepEqual(pathsOf(built.open()), [`${nvme1} mount: nvme1n1p3 -> /data`]);
});

test("readUsage() finds swap partitions, swap on volumes, and swap files by their mount", () => {
  const built = machine()
    .mount("/dev/sda1", "/", "ext4", "8:1")
    .mount("/dev/nvme1n1p1", "/var", "ext4", "259:17")
    .file(
      "/proc/swaps",
      [
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority",
        "/dev/nvme0n1p3                          partition\t1048572\t\t0\t\t-2",
        "/dev/dm-0                               partition\t1048572\t\t0\t\t-3",
        "/var/swap\\040file                       file\t\t1048572\t\t0\t\t-4",
        "/dev/zram0                              partition\t1048572\t\t0\t\t100",
      ].join("\n"),
    )
    .build();
  addVirtual(built, "dm-0", "253:0", { slaves: ["sdb1"] });
  addVirtual(built, "zram0", "252:0");
  assert.deepEqual(pathsOf(built.open()), [
    `${sata} root: sda1 -> /`,
    `${sata} swap: sdb1 -> dm-0 -> swap`,
    `${nvme0} swap: nvme0n1p3 -> swap`,
    `${nvme1} swap: nvme1n1p1 -> /var/swap file`,
    `${nvme1} mount: nvme1n1p1 -> /var`,
  ]);
});

test("readUsage() follows a loop device to the mount of its file, and a node to its disk", () => {
  const built = machine()
    .mount("/dev/nvme0n1p1", "/srv", "ext4", "259:1")
    .mount("/dev/loop0", "/mnt", "ext4", "7:0")
    .build();
  addVirtual(built, "loop0", "7:0", { files: { "loop/backing_file": "/srv/images/disk.img\n" } });
  addVirtual(built, "loop1", "7:1", { files: { "loop/backing_file": "/dev/nvme1n1 (deleted)\n" } });
  addVirtual(built, "loop2", "7:2");
  assert.deepEqual(pathsOf(built.open()), [
    `${nvme0} mount: nvme0n1p1 -> /srv`,
    `${nvme0} mount: nvme0n1p1 -> loop0 -> /mnt`,
    `${nvme1} storage-stack: nvme1n1 -> loop1`,
  ]);
});

test("readUsage() finds every path of a multipath disk", () => {
  const lun = (name: string, number: string) => ({
    at: `host0/rport-0:0-0/target0:0:0/0:0:0:0/block/${name}`,
    class: "block",
    number,
  });
  const built = fakeMachine()
    .function("0000:01:00.0", { class: "0c0400", driver: "lpfc", children: [lun("sda", "8:0")] })
    .function("0000:01:00.1", { class: "0c0400", driver: "lpfc", children: [lun("sdb", "8:16")] })
    .mount("/dev/mapper/mpatha-part1", "/", "xfs", "253:1")
    .build();
  addVirtual(built, "dm-0", "253:0", {
    slaves: ["sda", "sdb"],
    files: { "dm/name": "mpatha\n", "dm/uuid": "mpath-36\n" },
  });
  addVirtual(built, "dm-1", "253:1", {
    slaves: ["dm-0"],
    files: { "dm/name": "mpatha-part1\n", "dm/uuid": "part1-mpath-36\n" },
  });
  assert.deepEqual(pathsOf(built.open()), [
    "0000:01:00.0 root: sda -> dm-0 -> dm-1 -> /",
    "0000:01:00.1 root: sdb -> dm-0 -> dm-1 -> /",
  ]);
});

test("readUsage() finds every path of a multipath NVMe disk, and leaves an unused one alone", () => {
  const path = (name: string) => [
    { at: `nvme/${name.slice(0, -2)}`, class: "nvme" },
    { at: `nvme/nvmeX/${name}`, class: "block" },
  ];
  const built = fakeMachine()
    .function(nvme0, { class: "010802", driver: "nvme", children: [...path("nvme0c0n1"), ...path("nvme0c0n2")] })
    .function(nvme1, { class: "010802", driver: "nvme", children: path("nvme0c1n1") })
    .mount("/dev/nvme0n1p1", "/", "ext4", "259:1")
    .build();
  const folder = "nvme-subsystem/nvme-subsys0";
  addVirtual(built, "nvme0n1", "259:0", { folder });
  addVirtual(built, "nvme0n1p1", "259:1", { folder: `${folder}/nvme0n1`, files: { partition: "1\n" } });
  addVirtual(built, "nvme0n2", "259:2", { folder });
  assert.deepEqual(pathsOf(built.open()), [
    `${nvme0} root: nvme0c0n1 -> nvme0n1p1 -> /`,
    `${nvme1} root: nvme0c1n1 -> nvme0n1p1 -> /`,
  ]);
});

test("readUsage() blames the USB controller for a mounted USB disk, and the virtio function for its disk", () => {
  const usb = "usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdc";
  const host = fakeMachine()
    .function("0000:00:14.0", {
      class: "0c0330",
      driver: "xhci_hcd",
      children: [{ at: usb, class: "block", number: "8:32" }],
    })
    .function("0000:00:04.0", {
      class: "010000",
      driver: "virtio-pci",
      children: [{ at: "virtio1/block/vda", class: "block", number: "254:0" }],
    })
    .mount("/dev/sdc", "/media/stick", "vfat", "8:32")
    .mount("/dev/root", "/", "ext4", "254:0")
    .open();
  assert.deepEqual(pathsOf(host), ["0000:00:04.0 root: vda -> /", "0000:00:14.0 mount: sdc -> /media/stick"]);
});

test("readUsage() blames the controller above a PCI domain of its own too, and no bridge", () => {
  const disk = { at: "pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme0/nvme0n1", class: "block", number: "259:0" };
  const host = fakeMachine()
    .bridge("0000:00:0d.0")
    .function("0000:01:0e.0", { class: "010400", driver: "vmd", children: [disk] })
    .mount("/dev/nvme0n1", "/", "ext4", "259:0")
    .open();
  assert.deepEqual(pathsOf(host), ["0000:01:0e.0 root: nvme0n1 -> /"]);
});

test("readUsage() finds file systems that are mounted out of sight, and journals on a device of their own", () => {
  const host = machine()
    .mount("/dev/sda1", "/", "ext4", "8:1")
    .file("/sys/fs/ext4/sda1/state", "")
    .file("/sys/fs/ext4/nvme0n1p1/state", "")
    .file("/sys/fs/ext4/features/lazy_itable_init", "")
    .file("/proc/fs/jbd2/nvme1n1p1/info", "")
    .file("/proc/fs/jbd2/sdb1-8/info", "")
    .open();
  assert.deepEqual(pathsOf(host), [
    `${sata} root: sda1 -> /`,
    `${nvme0} mount: nvme0n1p1 -> ext4 file system`,
    `${nvme1} mount: nvme1n1p1 -> journal of a file system`,
  ]);
});

test("readUsage() leaves disks alone whose file systems are not mounted", () => {
  assert.deepEqual(pathsOf(machine().open()), []);
});
