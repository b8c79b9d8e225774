// SPDX-License-Identifier: Apache-2.0

import { rememberOrigin } from "../../xml/complaint.ts";
/** `<disk>`: hard disks, CD-ROM and floppy drives. */
import {
  attribute,
  child,
  content,
  type Fields,
  fallback,
  flag,
  type Infer,
  leaf,
  list,
  object,
  required,
  type Schema,
  variants,
} from "../../xml/schema.ts";
import { cNumber, integer, matching, oneOf, onOff, someText, yesNo } from "../../xml/values.ts";
import { bootableInfo, virtioModels, virtioOptions } from "./device-info.ts";
import { type Storage, storageSources } from "./storage-source.ts";

/** The image formats that QEMU reads; `fat` is a folder shown as a disk. */
export const diskFormats = ["raw", "qcow2", "vmdk", "qed", "vdi", "vhdx", "vpc", "qcow", "luks", "fat"] as const;
export type DiskFormat = (typeof diskFormats)[number];

const metadataCache = child("metadata_cache", object({ maxSizeBytes: child("max_size", sizeInBytes()) }));

/** What lies under a disk's image; `none` is the empty element that ends a chain. */
export type BackingStore =
  | { type: "none" }
  | (Storage & {
      index?: number | undefined;
      format?: { type: DiskFormat; metadataCache?: { maxSizeBytes?: number | undefined } | undefined } | undefined;
      backingStore?: BackingStore | undefined;
    });

const backingStore: Schema<BackingStore> = {
  read: (element, parentPath) => {
    if (element.attributes.length === 0 && element.children.length === 0) {
      const end: BackingStore = { type: "none" };
      rememberOrigin(end, { path: `${parentPath}/backingStore`, position: element.position });
      return end;
    }
    return fullBackingStore().read(element, parentPath) as BackingStore;
  },
  write: (value, name) =>
    value.type === "none" ? { name, attributes: [], children: [] } : fullBackingStore().write(value as never, name),
};

function fullBackingStore() {
  const common = {
    index: attribute("index", integer(1)),
    format: child("format", object({ type: required(attribute("type", oneOf(...diskFormats))), metadataCache })),
  };
  const deeper = { backingStore: child("backingStore", backingStore) };
  return variants("type", {
    file: { ...common, ...storageSources.file, ...deeper },
    block: { ...common, ...storageSources.block, ...deeper },
    dir: { ...common, ...storageSources.dir, ...deeper },
    network: { ...common, ...storageSources.network, ...deeper },
    nvme: { ...common, ...storageSources.nvme, ...deeper },
    vhostuser: { ...common, ...storageSources.vhostuser, ...deeper },
  });
}

const driver = child(
  "driver",
  object({
    name: attribute("name", oneOf("qemu")),
    type: attribute("type", oneOf(...diskFormats)),
    cache: attribute("cache", oneOf("default", "none", "writethrough", "writeback", "directsync", "unsafe")),
    errorPolicy: attribute("error_policy", oneOf("default", "stop", "report", "ignore", "enospace")),
    readErrorPolicy: attribute("rerror_policy", oneOf("default", "stop", "report", "ignore")),
    io: attribute("io", oneOf("native", "threads", "io_uring")),
    ioeventfd: attribute("ioeventfd", onOff),
    eventIdx: attribute("event_idx", onOff),
    copyOnRead: attribute("copy_on_read", onOff),
    discard: attribute("discard", oneOf("unmap", "ignore")),
    iothread: attribute("iothread", integer(1)),
    detectZeroes: attribute("detect_zeroes", oneOf("off", "on", "unmap")),
    discardNoUnref: attribute("discard_no_unref", onOff),
    queues: attribute("queues", integer(1, 65535)),
    queueSize: attribute("queue_size", integer(1, 65535)),
    ...virtioOptions,
    iothreads: child(
      "iothreads",
      object({
        list: list(
          "iothread",
          object({
            id: required(attribute("id", integer(1))),
            queues: list("queue", object({ id: required(attribute("id", integer(0))) })),
          }),
        ),
      }),
    ),
    metadataCache,
  }),
);

const limit = (name: string) => leaf(name, integer(0));

/** Limits of a disk or of a throttle group, in libvirt's names; bytes or operations per second. */
export const throttleLimits = {
  totalBytesSec: limit("total_bytes_sec"),
  readBytesSec: limit("read_bytes_sec"),
  writeBytesSec: limit("write_bytes_sec"),
  totalIopsSec: limit("total_iops_sec"),
  readIopsSec: limit("read_iops_sec"),
  writeIopsSec: limit("write_iops_sec"),
  totalBytesSecMax: limit("total_bytes_sec_max"),
  readBytesSecMax: limit("read_bytes_sec_max"),
  writeBytesSecMax: limit("write_bytes_sec_max"),
  totalIopsSecMax: limit("total_iops_sec_max"),
  readIopsSecMax: limit("read_iops_sec_max"),
  writeIopsSecMax: limit("write_iops_sec_max"),
  sizeIopsSec: limit("size_iops_sec"),
  groupName: leaf("group_name", someText),
  totalBytesSecMaxLength: limit("total_bytes_sec_max_length"),
  readBytesSecMaxLength: limit("read_bytes_sec_max_length"),
  writeBytesSecMaxLength: limit("write_bytes_sec_max_length"),
  totalIopsSecMaxLength: limit("total_iops_sec_max_length"),
  readIopsSecMaxLength: limit("read_iops_sec_max_length"),
  writeIopsSecMaxLength: limit("write_iops_sec_max_length"),
} satisfies Fields;

function fields<F extends Fields>(source: F) {
  return {
    device: fallback(attribute("device", oneOf("disk", "cdrom", "floppy", "lun")), "disk"),
    model: attribute("model", oneOf(...virtioModels)),
    rawio: attribute("rawio", yesNo),
    sgio: attribute("sgio", oneOf("filtered", "unfiltered")),
    snapshot: attribute("snapshot", oneOf("no", "internal", "external")),
    driver,
    ...source,
    backingStore: child("backingStore", backingStore),
    geometry: child(
      "geometry",
      object({
        cyls: required(attribute("cyls", integer(1))),
        heads: required(attribute("heads", integer(1))),
        secs: required(attribute("secs", integer(1))),
        trans: attribute("trans", oneOf("auto", "none", "lba", "large", "echs", "rechs")),
      }),
    ),
    blockio: child(
      "blockio",
      object({
        logicalBlockSize: attribute("logical_block_size", integer(512)),
        physicalBlockSize: attribute("physical_block_size", integer(512)),
        discardGranularity: attribute("discard_granularity", integer(0)),
      }),
    ),
    target: required(
      child(
        "target",
        object({
          dev: required(
            attribute("dev", matching(/^(fd|hd|vd|sd|xvd|ubd)[a-z]+$/, "a disk name such as vda, sda, hdc or fda")),
          ),
          bus: attribute("bus", oneOf("ide", "fdc", "scsi", "virtio", "usb", "sata", "sd")),
          tray: attribute("tray", oneOf("open", "closed")),
          removable: attribute("removable", onOff),
          rotationRate: attribute("rotation_rate", integer(1, 65534)),
        }),
      ),
    ),
    iotune: child("iotune", object(throttleLimits)),
    throttleFilters: child(
      "throttlefilters",
      object({ filters: list("throttlefilter", object({ group: required(attribute("group", someText)) })) }),
    ),
    readonly: flag("readonly"),
    shareable: flag("shareable"),
    serial: leafUntrimmed("serial"),
    wwn: leaf("wwn", matching(/^(0x)?[0-9a-fA-F]{16}$/, "a WWN of 16 hexadecimal digits")),
    vendor: leaf("vendor", matching(/^[\x20-\x7e]{1,8}$/, "at most 8 printable characters")),
    product: leaf("product", matching(/^[\x20-\x7e]{1,40}$/, "at most 40 printable characters")),
    ...bootableInfo,
  };
}

/** `<disk>`. */
export const disk = variants(
  "type",
  {
    file: fields(storageSources.file),
    block: fields(storageSources.block),
    dir: fields(storageSources.dir),
    network: fields(storageSources.network),
    nvme: fields(storageSources.nvme),
    vhostuser: fields(storageSources.vhostuser),
  },
  "file",
);

export type Disk = Infer<typeof disk>;
export type DiskBus = NonNullable<Disk["target"]["bus"]>;

/** The number in a disk's name: vda is 0, vdb 1, vdaa 26. libvirt: virDiskNameParse. */
export function diskIndex(dev: string): number {
  const letters = dev.replace(/^(fd|hd|vd|sd|xvd|ubd)/, "");
  let index = 0;
  for (const letter of letters) index = index * 26 + (letter.charCodeAt(0) - 96);
  return index - 1;
}

/** The storage of a disk. */
export function storageOf(disk: Disk): Storage {
  return { type: disk.type, source: disk.source } as Storage;
}

/** A serial number keeps its blanks: guests see them. */
function leafUntrimmed(name: string) {
  return child<string>(name, {
    read: (element) => element.text,
    write: (value, elementName) => ({ name: elementName, attributes: [], children: [], text: value }),
  });
}

function sizeInBytes(): Schema<number> {
  const schema = object({
    unit: attribute("unit", oneOf("bytes", "B")),
    bytes: required(content(cNumber(1, Number.MAX_SAFE_INTEGER, 0))),
  });
  return {
    read: (element, parentPath) => schema.read(element, parentPath).bytes,
    write: (value, name) => schema.write({ unit: "bytes", bytes: value }, name),
  };
}
