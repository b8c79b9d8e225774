// SPDX-License-Identifier: Apache-2.0

/** Disks: the nodes that hold their data and the drives that the guest sees. libvirt: qemuBuildDiskDeviceProps. */
import { controllersOf, findController } from "../../domain/controllers.ts";
import type { Disk } from "../../domain/devices/disk.ts";
import type { Domain } from "../../domain/domain.ts";
import { chipsetOf } from "../../domain/machine.ts";
import { unsupported } from "../../xml/complaint.ts";
import { addressProperties, virtioDriver, virtioProperties } from "./address.ts";
import { countImages, diskNodes, isEmpty, writeCache } from "./block-nodes.ts";
import { bootIndex } from "./boot-order.ts";
import { reconnectOption } from "./character-device.ts";
import { iothreadProperties } from "./iothread.ts";
import { type Build, deviceArgument, json, keyValues, type Properties } from "./options.ts";

/**
 * All disks of a domain.
 *
 * @param taken how many node numbers are in use already, of disks that are there when these are plugged in.
 */
export function diskArguments(build: Build, taken = 0): string[] {
  const { domain } = build;
  const args: string[] = floppyController(domain, build);
  for (const [disk, id] of nodeNumbers(domain, taken)) args.push(...oneDisk(build, disk, id));
  return args;
}

/** The number in the name of each disk's upper block node: the `index` of its source in the XML of a running domain. */
export function nodeNumbers({ devices: { disks } }: Domain, taken = 0): ReadonlyMap<Disk, number> {
  const numbers = new Map<Disk, number>();
  // They are given out from the last disk to the first, which is how libvirt's node names came to be.
  let id = 1 + taken + disks.reduce((sum, disk) => sum + nodeCount(disk), 0);
  for (const disk of disks) {
    id -= nodeCount(disk);
    numbers.set(disk, id);
  }
  return numbers;
}

/** How many node numbers the disks take. */
export function nodeCountOf({ devices }: Domain): number {
  return devices.disks.reduce((sum, disk) => sum + nodeCount(disk), 0);
}

function nodeCount(disk: Disk): number {
  if (disk.type === "vhostuser") return 0;
  return countImages(disk) + (disk.throttleFilters?.filters.length ?? 0);
}

function oneDisk(build: Build, disk: Disk, id: number): string[] {
  const { domain } = build;
  if (disk.type === "vhostuser") return vhostUserDisk(build, disk);
  if (disk.target.bus === "sd")
    throw unsupported(disk, "a disk on the bus sd is not supported", "bus virtio, scsi, sata, ide, usb or fdc");
  const args: string[] = [];
  let drive: string | undefined;
  if (!isEmpty(disk)) {
    const nodes = diskNodes(build, disk, id);
    args.push(...nodes.args);
    drive = nodes.node;
    for (const [index, { group }] of (disk.throttleFilters?.filters ?? []).entries()) {
      const node = `libvirt-${id + countImages(disk) + index}-filter`;
      args.push(
        "-blockdev",
        json({ driver: "throttle", "node-name": node, "throttle-group": `throttle-${group}`, file: drive }),
      );
      drive = node;
    }
  }
  args.push(...deviceArgument(build, { ...deviceProperties(domain, disk, drive), ...tailProperties(disk) }));
  return args;
}

function deviceProperties(domain: Domain, disk: Disk, drive: string | undefined): Properties {
  const common = {
    "share-rw": disk.shareable ? true : undefined,
    drive,
    id: disk.alias,
    bootindex: bootIndex(domain, disk),
  };
  const place = disk.address?.type === "drive" ? disk.address : { controller: 0, bus: 0, target: 0, unit: 0 };
  switch (disk.target.bus) {
    case "virtio":
      return {
        driver: virtioDriver("virtio-blk", disk.model),
        ...virtioProperties(disk.driver),
        ...iothreadProperties(disk.driver),
        ioeventfd: disk.driver?.ioeventfd,
        event_idx: disk.driver?.eventIdx,
        "num-queues": disk.driver?.queues,
        "queue-size": disk.driver?.queueSize,
        ...addressProperties(domain, disk),
        ...common,
      };
    case "usb":
      return {
        driver: "usb-storage",
        ...addressProperties(domain, disk),
        ...common,
        removable: disk.target.removable ?? false,
      };
    case "fdc":
      return { driver: "floppy", unit: place.unit, ...common, bootindex: undefined };
    case "scsi":
      return { ...scsiProperties(domain, disk, place), ...common, removable: disk.target.removable };
    case "sata": {
      const builtIn = place.controller === 0 && chipsetOf(domain) === "q35";
      const bus = builtIn ? "ide" : (findController(domain, "sata", place.controller)?.alias ?? "sata0");
      return { driver: ideDriver(disk), bus: `${bus}.${place.unit}`, ...common };
    }
    default:
      return { driver: ideDriver(disk), bus: `ide.${place.bus}`, unit: place.unit, ...common };
  }
}

function ideDriver(disk: Disk): string {
  return disk.device === "cdrom" ? "ide-cd" : "ide-hd";
}

function scsiProperties(
  domain: Domain,
  disk: Disk,
  place: { controller: number; bus: number; target: number; unit: number },
): Properties {
  const controller = findController(domain, "scsi", place.controller);
  const alias = controller?.alias ?? `scsi${place.controller}`;
  const driver = disk.device === "lun" ? "scsi-block" : disk.device === "cdrom" ? "scsi-cd" : "scsi-hd";
  const device_id = disk.device === "lun" ? undefined : (disk.serial ?? `drive-${disk.alias}`);
  if (controller?.model === "lsilogic") {
    return { driver, bus: `${alias}.${place.bus}`, "scsi-id": place.unit, device_id };
  }
  return { driver, bus: `${alias}.0`, channel: place.bus, "scsi-id": place.target, lun: place.unit, device_id };
}

/** What comes last for all drives: geometry, identity, cache, errors. */
function tailProperties(disk: Disk): Properties {
  const { geometry, blockio } = disk;
  const isIde = disk.target.bus === "ide" || disk.target.bus === "sata";
  const cache = writeCache(disk);
  return {
    cyls: geometry?.cyls,
    heads: geometry?.heads,
    secs: geometry?.secs,
    "bios-chs-trans": geometry?.trans,
    logical_block_size: blockio?.logicalBlockSize,
    physical_block_size: blockio?.physicalBlockSize,
    discard_granularity: blockio?.discardGranularity,
    wwn: disk.wwn === undefined ? undefined : BigInt(`0x${disk.wwn.replace(/^0x/, "")}`),
    rotation_rate: disk.target.rotationRate,
    vendor: disk.vendor,
    [isIde ? "model" : "product"]: disk.product,
    serial: disk.serial === undefined ? undefined : escapedSerial(disk.serial),
    "write-cache": cache === undefined ? undefined : cache ? "on" : "off",
    ...errorProperties(disk),
  };
}

/** libvirt puts a backslash before blanks; guests see it, so it is kept. */
function escapedSerial(serial: string): string {
  return serial.replaceAll(" ", "\\ ");
}

function errorProperties({ driver }: Disk): Properties {
  const write = driver?.errorPolicy === "default" ? undefined : driver?.errorPolicy;
  const read = driver?.readErrorPolicy === "default" ? undefined : driver?.readErrorPolicy;
  return {
    werror: write === "enospace" ? "enospc" : write,
    // "enospace" is only for writes.
    rerror: read ?? (write === "enospace" ? undefined : write),
  };
}

function vhostUserDisk(build: Build, disk: Extract<Disk, { type: "vhostuser" }>): string[] {
  const chardev = `chr-vu-${disk.alias}`;
  const options = { id: chardev, path: disk.source?.path, ...reconnectOption(build, disk.source?.reconnect) };
  return [
    "-chardev",
    keyValues("socket", options),
    ...deviceArgument(build, {
      driver: virtioDriver("vhost-user-blk", disk.model),
      ...virtioProperties(disk.driver),
      "num-queues": disk.driver?.queues,
      "queue-size": disk.driver?.queueSize,
      ...addressProperties(build.domain, disk),
      chardev,
      id: disk.alias,
      bootindex: bootIndex(build.domain, disk),
    }),
  ];
}

/** The controller of floppy drives, which q35 lacks and i440fx has; it knows from which drive to boot. */
function floppyController(domain: Domain, build: Build): string[] {
  const floppies = domain.devices.disks.filter((disk) => disk.target.bus === "fdc");
  const boot: Record<string, number | undefined> = {};
  for (const disk of floppies) {
    const unit = disk.address?.type === "drive" ? disk.address.unit : 0;
    boot[unit === 0 ? "bootindexA" : "bootindexB"] = bootIndex(domain, disk);
  }
  if (chipsetOf(domain) === "q35") {
    const needed = floppies.length > 0 || controllersOf(domain, "fdc").length > 0;
    return needed ? deviceArgument(build, { driver: "isa-fdc", ...boot }) : [];
  }
  return Object.entries(boot).flatMap(([name, index]) =>
    index === undefined ? [] : ["-global", `isa-fdc.${name}=${index}`],
  );
}
