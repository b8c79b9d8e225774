// SPDX-License-Identifier: Apache-2.0
import { type BlockDevice, type BlockDevices, readBlockDevices } from "./block-devices.ts";
import { topsOutside, walkDown, walkToFunctions } from "./block-stack.ts";
import { DeviceFinder, type FileSystem } from "./file-systems.ts";
import { functionsAbove } from "./functions-above.ts";
import { readHiddenFileSystems } from "./hidden-file-systems.ts";
import { readMounts } from "./mounts.ts";
import type { Reader } from "./reader.ts";
import { readSwaps } from "./swaps.ts";
import { readUdevRecord } from "./udev-records.ts";
import type { Claim, UseKind } from "./use.ts";
import { mayBeInPool, readZfsPools } from "./zfs.ts";

/** Something that needs block devices. */
interface Need {
  readonly kind: UseKind;
  readonly devices: readonly string[];
  /** What the path ends with; nothing when the topmost block device says it all. */
  readonly end?: string;
  readonly does: string;
}

/**
 * Finds the functions that disks in use hang on: walks from every file system, swap area and assembled volume down
 * through loop devices, device mapper, md, bcache and partitions.
 *
 * A file system that is not mounted is not in use; a volume assembled of a disk is. What has a disk exclusively
 * without being in sysfs as its holder only root finds, by an open with O_EXCL.
 *
 * Touches: reads proc, sysfs, `/run/udev/data`. Needs: nothing; root sees other mount namespaces.
 */
export function claimStorage(reader: Reader, pids: readonly string[]): readonly Claim[] {
  const mounts = readMounts(reader, pids);
  const finder = new DeviceFinder(reader, mounts);
  const devices = readBlockDevices(reader, (file) => finder.ofFile(file));
  const fileSystems = finder.fileSystems();
  const mounted = new Set(fileSystems.flatMap((fileSystem) => fileSystem.devices));
  const needs: Need[] = [
    ...fileSystems.filter(({ zfsPool }) => zfsPool === undefined).map(needOfFileSystem),
    ...readHiddenFileSystems(reader, { devices, btrfs: finder.btrfs, mounted }).map((hidden): Need => {
      return { kind: "mount", devices: hidden.devices, end: hidden.words, does: `carries a mounted ${hidden.words}` };
    }),
    ...readSwaps(reader).map(({ path, isFile }): Need => {
      const does = isFile ? "carries a swap file" : "carries swap space";
      return { kind: "swap", devices: finder.ofFile(path), end: isFile ? path : "swap", does };
    }),
  ];

  for (const pool of readZfsPools(reader, [...mounts.own, ...mounts.foreign])) {
    const members = freeDevices(devices, needs).filter((free) => mayBeInPool(readUdevRecord(reader, free), pool));
    const fileSystem = fileSystems.find(({ zfsPool }) => zfsPool === pool);
    const need: Omit<Need, "devices"> =
      fileSystem === undefined
        ? { kind: "storage-stack", end: `ZFS pool ${pool}`, does: `carries ZFS pool ${pool}` }
        : needOfFileSystem(fileSystem);
    needs.push({ ...need, devices: members.map(({ name }) => name) });
  }

  const opaque = needs.filter((need) => isOpaque(devices, need));
  if (opaque.length > 0) {
    const unmarked = freeDevices(devices, needs).filter((free) => !readUdevRecord(reader, free)?.has("ID_FS_TYPE"));
    const names = unmarked.map(({ name }) => name);
    needs.push(...opaque.map((need) => ({ ...need, devices: names, does: `may be part of what ${need.does}` })));
  }

  needs.push(...claimedByKernel(reader, freeDevices(devices, needs)));
  for (const top of topsOutside(devices, reachedBy(devices, needs))) {
    needs.push({ kind: "storage-stack", devices: [top.name], does: `carries ${top.words}, not mounted` });
  }
  return needs.flatMap((need) => claimsOf(devices, need));
}

/**
 * What nothing above explains, and still somebody in the kernel has: the lower layer of a live system's root, an nvmet
 * or LIO export, a drbd without `slaves`. Root only.
 */
function claimedByKernel(reader: Reader, free: readonly BlockDevice[]): readonly Need[] {
  if (!reader.isRoot) return [];
  const claimed = free.filter(
    ({ name }) => reader.host.tryOpen(`/dev/${name.replaceAll("!", "/")}`, "exclusive") === "EBUSY",
  );
  return claimed.map(({ name }) => ({
    kind: "storage-stack",
    devices: [name],
    does: `carries ${name}, which the kernel has in use`,
  }));
}

function needOfFileSystem({ devices, point }: FileSystem): Need {
  if (point === "/") return { kind: "root", devices, end: point, does: "carries the root file system" };
  return { kind: "mount", devices, end: point, does: `carries the file system mounted at ${point}` };
}

/** Made by a kind of storage stack that does not say what it is made of; those named are of memory or the network. */
function isOpaque(devices: BlockDevices, need: Need): boolean {
  if (walkToFunctions(devices, need.devices).length > 0) return false;
  return need.devices.some((name) => {
    const isVirtual = devices.get(name)?.devicePath.startsWith("/sys/devices/virtual/") ?? false;
    return isVirtual && !/^(ram|zram|loop|nbd|rbd|nullb|dm-|md|zd)/.test(name);
  });
}

function reachedBy(devices: BlockDevices, needs: readonly Need[]): ReadonlySet<string> {
  const tops = needs.flatMap((need) => need.devices);
  return new Set(walkDown(devices, tops).map(({ device }) => device.name));
}

/** Devices on top of which nothing is known to be. */
function freeDevices(devices: BlockDevices, needs: readonly Need[]): readonly BlockDevice[] {
  const reached = reachedBy(devices, needs);
  const lowers = new Set([...devices.values()].flatMap((device) => [...device.lowers]));
  return [...devices.values()].filter(
    ({ name }) => !reached.has(name) && !lowers.has(name) && walkToFunctions(devices, [name]).length > 0,
  );
}

function claimsOf(devices: BlockDevices, { kind, devices: tops, end, does }: Need): readonly Claim[] {
  return walkToFunctions(devices, tops).map(({ device, names }) => ({
    kind,
    functions: functionsAbove(device.devicePath),
    path: end === undefined ? names : [...names, end],
    does,
  }));
}
