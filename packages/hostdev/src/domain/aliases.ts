// SPDX-License-Identifier: Apache-2.0

/** Names of devices inside QEMU. libvirt: qemuAssignDeviceAliases. */
import { invalid } from "../xml/complaint.ts";
import { findController } from "./controllers.ts";
import type { Controller } from "./devices/controller.ts";
import type { DeviceInfo } from "./devices/device-info.ts";
import { type Disk, diskIndex } from "./devices/disk.ts";
import type { Domain } from "./domain.ts";
import { chipsetOf } from "./machine.ts";

/** Whether a user chose the alias; only such ones stay in a domain that is not running. */
export function isUserAlias(alias: string | undefined): boolean {
  return alias?.startsWith("ua-") ?? false;
}

/**
 * Names every device, in place. Aliases that a user chose (`ua-...`) are kept, all others made anew.
 *
 * @throws {HostdevError} `HD_DOMAIN_INVALID` when two devices have one alias.
 */
export function assignAliases(domain: Domain): void {
  const { devices } = domain;
  for (const device of allDevices(domain)) if (!isUserAlias(device.alias)) delete device.alias;
  for (const disk of devices.disks) disk.alias ??= diskAlias(domain, disk);
  count(
    devices.interfaces.filter((card) => card.type !== "hostdev"),
    "net",
  );
  count([...devices.interfaces.filter((card) => card.type === "hostdev"), ...devices.hostDevices], "hostdev");
  count(devices.filesystems, "fs");
  number(devices.sounds, "sound");
  count(devices.redirdevs, "redir");
  number(devices.videos, "video");
  count(devices.serials, "serial");
  count(devices.parallels, "parallel");
  count(devices.channels, "channel");
  count(devices.consoles, "console");
  const [console] = devices.consoles;
  const [serial] = devices.serials;
  // The first console is the first serial port by another name. libvirt: virDomainDefAddConsoleCompat.
  if (console?.target?.type === "serial" && !isUserAlias(serial?.alias)) console.alias = serial?.alias;
  count(devices.inputs, "input");
  number(devices.hubs, "hub");
  count(devices.shmems, "shmem");
  number(devices.smartcards, "smartcard");
  count(devices.watchdogs, "watchdog");
  count(devices.rngs, "rng");
  number(devices.tpms, "tpm");
  number(devices.panics, "panic");
  for (const controller of devices.controllers) controller.alias ??= controllerAlias(domain, controller);
  let virtioMem = 0;
  let virtioPmem = 0;
  for (const memory of devices.memories) {
    if (memory.model === "virtio-mem") memory.alias ??= `virtiomem${virtioMem++}`;
    else if (memory.model === "virtio-pmem") memory.alias ??= `virtiopmem${virtioPmem++}`;
    else memory.alias ??= `${memory.model}${memory.address?.type === "dimm" ? memory.address.slot : 0}`;
  }
  if (devices.memballoon !== undefined) devices.memballoon.alias ??= "balloon0";
  if (devices.iommu !== undefined) devices.iommu.alias ??= "iommu0";
  if (devices.vsock !== undefined) devices.vsock.alias ??= "vsock0";
  refuseDuplicates(domain);
}

/** All devices that can have an alias. */
export function allDevices({ devices }: Domain): (DeviceInfo & object)[] {
  return Object.values(devices).flatMap((value) => {
    if (Array.isArray(value)) return value as (DeviceInfo & object)[];
    return typeof value === "object" && value !== null ? [value as DeviceInfo & object] : [];
  });
}

/** Numbers devices in their order, without those that have a name of their own. */
function count(devices: readonly DeviceInfo[], prefix: string): void {
  let next = 0;
  for (const device of devices) device.alias ??= `${prefix}${next++}`;
}

/** Numbers devices by their place in the list. */
function number(devices: readonly DeviceInfo[], prefix: string): void {
  for (const [index, device] of devices.entries()) device.alias ??= `${prefix}${index}`;
}

function refuseDuplicates(domain: Domain): void {
  const seen = new Set<string>();
  for (const device of allDevices(domain)) {
    if (device.alias === undefined || !isUserAlias(device.alias)) continue;
    if (seen.has(device.alias)) throw invalid(device, `alias ${device.alias} is used twice`);
    seen.add(device.alias);
  }
}

/** The alias of a disk, which follows from where it is. */
export function diskAlias(domain: Domain, disk: Disk): string {
  const { bus = "virtio", dev } = disk.target;
  if (disk.address?.type !== "drive")
    return bus === "usb" ? `usb-disk${diskIndex(dev)}` : `${bus}-disk${diskIndex(dev)}`;
  const { controller, bus: cable, target, unit } = disk.address;
  if (bus !== "scsi") return `${bus}${controller}-${cable}-${unit}`;
  const narrow = findController(domain, "scsi", controller)?.model === "lsilogic";
  return narrow ? `scsi${controller}-${cable}-${unit}` : `scsi${controller}-${cable}-${target}-${unit}`;
}

function controllerAlias(domain: Domain, controller: Controller): string {
  const { type, index = 0 } = controller;
  if (type === "pci") return controller.model === "pcie-root" ? `pcie.${index}` : `pci.${index}`;
  if (type === "usb") return index === 0 ? "usb" : `usb${index}`;
  if (type === "ide" && index === 0) return "ide";
  if (type === "sata" && index === 0 && chipsetOf(domain) === "q35") return "ide";
  return `${type}${index}`;
}
