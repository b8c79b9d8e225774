// SPDX-License-Identifier: Apache-2.0

/** Simple facts about a domain that other layers need. */
import { formatPciAddress, type PciAddress } from "../pci/address.ts";
import type { Domain } from "./domain.ts";

/** All memory of the guest, in bytes: what it boots with and its memory devices. */
export function memoryBytes(domain: Domain): number {
  return (domain.memory?.memoryKiB ?? 0) * 1024;
}

/** The PCI functions of the host that the guest gets, each once: of host devices, interfaces and NVMe disks. */
export function hostdevAddresses({ devices }: Domain): PciAddress[] {
  const addresses = [
    ...devices.hostDevices.flatMap((device) => (device.type === "pci" ? [device.source.address] : [])),
    ...devices.interfaces.flatMap((card) => (card.type === "hostdev" ? [card.source.address] : [])),
    ...devices.disks.flatMap((disk) =>
      disk.type === "nvme" && disk.source !== undefined ? [disk.source.address] : [],
    ),
  ].map(({ domain, bus, device, function: fn }): PciAddress => ({ domain, bus, device, function: fn }));
  return [...new Map(addresses.map((address) => [formatPciAddress(address), address])).values()];
}

/** How many IOMMUs the guest has; each device behind one is mapped on its own. */
export function iommuCount({ devices }: Domain): number {
  return devices.iommu === undefined ? 0 : 1;
}

/** The disk images and other files the domain reads or writes, by what they are for. */
export function filesOf(
  domain: Domain,
): { readonly path: string; readonly purpose: string; readonly writable: boolean }[] {
  const { devices, os } = domain;
  const files: { path: string; purpose: string; writable: boolean }[] = [];
  for (const disk of devices.disks) {
    const path = disk.type === "file" ? disk.source?.file : disk.type === "block" ? disk.source?.dev : undefined;
    if (path !== undefined) files.push({ path, purpose: `disk ${disk.target.dev}`, writable: !disk.readonly });
    for (let below = disk.backingStore; below !== undefined && below.type !== "none"; below = below.backingStore) {
      const under = below.type === "file" ? below.source?.file : below.type === "block" ? below.source?.dev : undefined;
      if (under !== undefined)
        files.push({ path: under, purpose: `backing file of disk ${disk.target.dev}`, writable: false });
    }
  }
  const reads = (purpose: string, path: string | undefined) => {
    if (path !== undefined && path !== "") files.push({ path, purpose, writable: false });
  };
  for (const part of ["kernel", "initrd", "dtb", "shim"] as const) reads(part, os[part]);
  if (os.loader?.path !== undefined)
    files.push({ path: os.loader.path, purpose: "loader", writable: os.loader.readonly === false });
  for (const table of os.acpi?.tables ?? []) reads("ACPI table", table.path);
  for (const info of domain.sysinfo) {
    if (info.type !== "fwcfg") continue;
    for (const entry of info.entries) reads(`fw_cfg ${entry.name}`, entry.file);
  }
  for (const device of [...devices.hostDevices, ...devices.interfaces]) {
    if ("rom" in device && device.rom?.enabled !== false) reads(`ROM of ${device.alias}`, device.rom?.file);
  }
  for (const filesystem of devices.filesystems) reads(`file system ${filesystem.target.dir}`, filesystem.source.dir);
  return files;
}
