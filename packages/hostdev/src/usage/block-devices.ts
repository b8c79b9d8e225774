// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import type { Reader } from "./reader.ts";

/** A disk, a partition, or something the kernel made of such: LVM, crypt, multipath, md, bcache, a loop device. */
export interface BlockDevice {
  /** The kernel's name, `nvme0n1p2`; for a holder that is no block device itself, what it is called. */
  readonly name: string;
  /** Below `/sys/devices`. */
  readonly devicePath: string;
  /** `major:minor`; empty for what cannot be opened, such as one path of an NVMe multipath disk. */
  readonly number: string;
  /** In words: `LVM volume vg-root`. */
  readonly words: string;
  /** The block devices it is made of. */
  readonly lowers: Set<string>;
  /** The disk that it is a partition of. */
  readonly disk: string | undefined;
  /** Whether its `lowers` are the paths to one NVMe disk. */
  readonly isMultipath: boolean;
}

export type BlockDevices = ReadonlyMap<string, BlockDevice>;

/** Whether it keeps what it is made of for itself, as LVM does, and a partition of a disk does not. Pure. */
export function isStack({ disk, isMultipath, lowers }: BlockDevice): boolean {
  return disk === undefined && !isMultipath && lowers.size > 0;
}

/**
 * Reads all block devices with what they are made of.
 *
 * Touches: reads `/sys/class/block`. Needs: nothing.
 * @param devicesOfFile the block devices that a file lives on: a loop device is made of those of its file.
 * @see https://docs.kernel.org/admin-guide/abi-stable.html (sysfs-block)
 */
export function readBlockDevices(reader: Reader, devicesOfFile: (path: string) => readonly string[]): BlockDevices {
  const names = reader.names("/sys/class/block");
  const devices = new Map<string, BlockDevice>();
  const holders: [string, string][] = [];
  for (const name of names) {
    const path = `/sys/class/block/${name}`;
    const devicePath = reader.devicePath(path);
    const files = new Set(reader.names(path));
    const disk = files.has("partition") ? posix.basename(posix.dirname(devicePath)) : undefined;
    const slaves = files.has("slaves") ? reader.names(`${path}/slaves`) : [];
    const backing = readBackingFiles(reader, path, files).flatMap(devicesOfFile);
    const paths = devicePath.includes("/nvme-subsystem/") ? nvmePaths(name, names) : [];
    devices.set(name, {
      name,
      devicePath,
      number: files.has("dev") ? reader.text(`${path}/dev`).trim() : "",
      words: describe(reader, path, name, files),
      lowers: new Set([...slaves, ...backing, ...paths, ...(disk === undefined ? [] : [disk])]),
      disk,
      isMultipath: paths.length > 0,
    });
    const found = files.has("holders") ? reader.names(`${path}/holders`) : [];
    // A disk registered with bcache is taken, though no bcache device holds it yet.
    for (const holder of found.length === 0 && files.has("bcache") ? ["bcache"] : found) holders.push([holder, name]);
  }
  for (const [holder, name] of holders) {
    const known = devices.get(holder);
    if (known !== undefined) known.lowers.add(name);
    else devices.set(holder, { ...unknownHolder, name: holder, words: holder, lowers: new Set([name]) });
  }
  return devices;
}

const unknownHolder = { devicePath: "", number: "", disk: undefined, isMultipath: false } as const;

/** What a loop device reads and writes, or where zram writes pages out to: files, or nodes of block devices. */
function readBackingFiles(reader: Reader, path: string, files: ReadonlySet<string>): string[] {
  const lines = [
    ...(files.has("loop") ? [reader.text(`${path}/loop/backing_file`)] : []),
    ...(files.has("backing_dev") ? [reader.text(`${path}/backing_dev`)] : []),
  ];
  return lines
    .map((line) => line.replace(/\n$/, "").replace(/ \(deleted\)$/, ""))
    .filter((line) => line.startsWith("/"));
}

/** The paths of a multipath NVMe disk: `nvme0n1` has `nvme0c0n1`, `nvme0c1n1`, ..., hidden disks of the controllers. */
function nvmePaths(name: string, names: readonly string[]): readonly string[] {
  const [, subsystem, namespace] = /^nvme(\d+)n(\d+)$/.exec(name) ?? [];
  const wanted = new RegExp(`^nvme${subsystem}c\\d+n${namespace}$`);
  return names.filter((candidate) => wanted.test(candidate));
}

const mapperKinds: readonly (readonly [RegExp, string])[] = [
  [/^LVM-/, "LVM volume"],
  [/^CRYPT-/, "encrypted volume"],
  [/^mpath-/, "multipath disk"],
  [/^part\d+-/, "partition"],
];

function describe(reader: Reader, path: string, name: string, files: ReadonlySet<string>): string {
  if (files.has("dm")) {
    const uuid = reader.text(`${path}/dm/uuid`);
    const kind = mapperKinds.find(([pattern]) => pattern.test(uuid))?.[1] ?? "device-mapper volume";
    return `${kind} ${reader.text(`${path}/dm/name`).trim() || name}`;
  }
  if (files.has("md")) return `RAID array ${name}`;
  return files.has("loop") ? `loop device ${name}` : name;
}
