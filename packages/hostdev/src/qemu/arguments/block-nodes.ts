// SPDX-License-Identifier: Apache-2.0

/** `-blockdev`: the chain of nodes behind a disk. libvirt: qemu_block.c. */
import type { BackingStore, Disk } from "../../domain/devices/disk.ts";
import type { Storage } from "../../domain/devices/storage-source.ts";
import { formatPciAddress } from "../../pci/address.ts";
import { networkProperties } from "./network-storage.ts";
import { type Build, json, type Properties } from "./options.ts";

/** The cache mode of a disk in QEMU's terms. libvirt: qemuDomainDiskCachemodeFlags. */
const cacheModes = {
  none: { direct: true, noFlush: false, writeCache: true },
  writeback: { direct: false, noFlush: false, writeCache: true },
  writethrough: { direct: false, noFlush: false, writeCache: false },
  directsync: { direct: true, noFlush: false, writeCache: false },
  unsafe: { direct: false, noFlush: true, writeCache: true },
} as const;

/** Whether the guest's disk has a write cache; `undefined` leaves it to QEMU. */
export function writeCache(disk: Disk): boolean | undefined {
  const mode = disk.driver?.cache;
  return mode === undefined || mode === "default" ? undefined : cacheModes[mode].writeCache;
}

interface Image {
  readonly storage: Storage;
  readonly format: string;
  readonly readOnly: boolean;
  readonly disk: Disk;
  /** Whether it is the image that the guest writes. */
  readonly isTop: boolean;
  readonly metadataCacheBytes?: number | undefined;
  /** `null`: the chain ends here; `undefined`: the image itself says what is below. */
  readonly backing: Image | null | undefined;
}

/** The nodes of a disk as arguments, lowest first, and the name of the node that the device uses. */
export function diskNodes(
  build: Build,
  disk: Disk,
  firstId: number,
): { readonly args: string[]; readonly node: string } {
  const image = imageOf(disk);
  const { args, node } = imageNodes(build, image, firstId, cacheProperties(disk));
  if (disk.driver?.copyOnRead !== true) return { args, node };
  const filter = `libvirt-CoR-${disk.target.dev}`;
  return {
    args: [...args, "-blockdev", json({ driver: "copy-on-read", "node-name": filter, file: node, discard: "unmap" })],
    node: filter,
  };
}

/** How many node numbers a disk takes: one for each image of its chain, one for a drive without a medium. */
export function countImages(disk: Disk): number {
  let count = 0;
  for (let image: Image | null | undefined = isEmpty(disk) ? undefined : imageOf(disk); image; image = image.backing)
    count++;
  return Math.max(1, count);
}

/** Whether a drive has no medium in it. */
export function isEmpty(disk: Disk): boolean {
  const { source } = disk;
  if (source === undefined) return true;
  if (disk.type === "file") return disk.source?.file === undefined;
  return disk.type === "block" && disk.source?.dev === undefined;
}

function imageOf(disk: Disk): Image {
  return {
    storage: { type: disk.type, source: disk.source } as Storage,
    format: disk.driver?.type ?? "raw",
    readOnly: disk.readonly,
    disk,
    isTop: true,
    metadataCacheBytes: disk.driver?.metadataCache?.maxSizeBytes,
    backing: backingOf(disk, disk.backingStore),
  };
}

function backingOf(disk: Disk, store: BackingStore | undefined): Image | null | undefined {
  if (store === undefined) return undefined;
  if (store.type === "none") return null;
  return {
    storage: { type: store.type, source: store.source } as Storage,
    format: store.format?.type ?? "raw",
    readOnly: true,
    disk,
    isTop: false,
    metadataCacheBytes: store.format?.metadataCache?.maxSizeBytes,
    backing: backingOf(disk, store.backingStore),
  };
}

function imageNodes(build: Build, image: Image, id: number, cache: Properties): { args: string[]; node: string } {
  const below = image.backing ? imageNodes(build, image.backing, id + 1, cache) : { args: [], node: undefined };
  const storageName = `libvirt-${id}-storage`;
  const { disk } = image;
  const own = { "read-only": image.readOnly, ...discardProperties(disk, image.isTop) };
  const protocol = { ...storageProperties(build, image.storage, disk), "node-name": storageName };
  // A raw image needs no format node of its own, unless its storage presents something else.
  if (image.format === "raw" && image.storage.type !== "dir") {
    return { args: [...below.args, "-blockdev", json({ ...protocol, ...own, ...cache })], node: storageName };
  }
  const formatName = `libvirt-${id}-format`;
  const format = {
    "node-name": formatName,
    ...own,
    ...cache,
    driver: image.format === "fat" ? "raw" : image.format,
    "discard-no-unref": image.format === "qcow2" ? disk.driver?.discardNoUnref : undefined,
    "cache-size": image.metadataCacheBytes,
    file: storageName,
    backing: image.backing === null && hasBacking(image.format) ? null : below.node,
  };
  return {
    args: [
      ...below.args,
      "-blockdev",
      json({ ...protocol, "auto-read-only": true, discard: "unmap", ...cache }),
      "-blockdev",
      json(format),
    ],
    node: formatName,
  };
}

function hasBacking(format: string): boolean {
  return ["qcow2", "qcow", "qed", "vmdk"].includes(format);
}

function cacheProperties(disk: Disk): Properties {
  const mode = disk.driver?.cache;
  if (mode === undefined || mode === "default") return {};
  return { cache: { direct: cacheModes[mode].direct, "no-flush": cacheModes[mode].noFlush } };
}

function discardProperties({ driver }: Disk, isTop: boolean): Properties {
  const zeroes = isTop ? driver?.detectZeroes : undefined;
  return {
    discard: driver?.discard,
    // QEMU refuses to unmap zeroes on a disk that ignores discards.
    "detect-zeroes": zeroes === "unmap" && driver?.discard !== "unmap" ? "on" : zeroes,
  };
}

/** The protocol node: how the bytes are reached. */
export function storageProperties({ environment }: Build, storage: Storage, disk?: Disk): Properties {
  const aio = disk?.driver?.io;
  switch (storage.type) {
    case "file":
      return { driver: "file", filename: storage.source?.file, aio };
    case "block": {
      const { dev } = storage.source ?? {};
      const isDrive = disk?.device === "cdrom" && dev !== undefined && environment.isCdromDrive(dev);
      return { driver: isDrive ? "host_cdrom" : "host_device", filename: dev, aio };
    }
    case "dir":
      return { driver: "vvfat", dir: storage.source?.dir, floppy: disk?.device === "floppy", rw: false };
    case "nvme":
      return storage.source === undefined
        ? {}
        : { driver: "nvme", device: formatPciAddress(storage.source.address), namespace: storage.source.namespace };
    case "network":
      return storage.source === undefined ? {} : networkProperties(storage.source);
    case "vhostuser":
      return {};
  }
}
