// SPDX-License-Identifier: Apache-2.0

/**
 * What can be written, and what libvirt writes, but every QEMU refuses when it starts. Pure; a check tells of it
 * beforehand, and `domxml-to-native` still shows what the XML means.
 */
import type { HostdevError } from "../core/errors.ts";
import { findController } from "../domain/controllers.ts";
import type { DeviceInfo } from "../domain/devices/device-info.ts";
import type { Domain } from "../domain/domain.ts";
import { hostdevAddresses } from "../domain/facts.ts";
import { invalid } from "../xml/complaint.ts";

/** What QEMU will refuse of a domain; empty for most. */
export function knownRefusals(domain: Domain): HostdevError[] {
  return [...crowdedIde(domain), ...legacyBehindIommu(domain), ...blindIommu(domain)];
}

/** An IDE channel has a master and a slave. */
function crowdedIde({ devices }: Domain): HostdevError[] {
  return devices.disks.flatMap((disk) =>
    disk.target.bus === "ide" && disk.address?.type === "drive" && disk.address.unit > 1
      ? [invalid(disk, `unit ${disk.address.unit} does not exist: an IDE channel has units 0 and 1`)]
      : [],
  );
}

type VirtioDevice = DeviceInfo & {
  readonly model?: string | undefined;
  readonly driver?: { readonly iommu?: boolean | undefined } | undefined;
};

/**
 * A virtio device that also speaks the old protocol, which it does on conventional PCI and on the root bus, cannot
 * be put behind the guest's IOMMU. QEMU: virtio_pci_realize, virtio_bus_device_plugged.
 */
function legacyBehindIommu(domain: Domain): HostdevError[] {
  const { devices } = domain;
  const capable: VirtioDevice[] = [
    ...devices.interfaces.filter((card) => card.type !== "hostdev"),
    ...devices.disks.filter((disk) => disk.target.bus === "virtio"),
    ...devices.filesystems.filter((one) => one.driver?.type !== "virtiofs"),
    ...devices.controllers.filter((one) => one.type === "scsi" || one.type === "virtio-serial"),
    ...devices.rngs,
    ...(devices.memballoon === undefined ? [] : [devices.memballoon]),
  ];
  return capable.flatMap((device) => {
    if (device.driver?.iommu !== true || device.model === "virtio-non-transitional") return [];
    if (device.address?.type !== "pci" || isBehindPort(domain, device.address.bus)) return [];
    const where = device.address.bus === 0 ? "the root bus" : `bus ${device.address.bus}`;
    return [invalid(device, `iommu='on' is not for a device on ${where}; put it on a PCI Express port of machine q35`)];
  });
}

/** Without its caching mode QEMU's Intel IOMMU does not hear of what the guest maps for real devices. QEMU: vtd_iommu. */
function blindIommu(domain: Domain): HostdevError[] {
  const { iommu, hostDevices } = domain.devices;
  const hasDevice = hostdevAddresses(domain).length > 0 || hostDevices.some((device) => device.type === "mdev");
  if (!hasDevice || iommu?.model !== "intel" || iommu.driver?.cachingMode === true) return [];
  return [invalid(iommu, "with host devices it needs <driver caching_mode='on'/>")];
}

function isBehindPort(domain: Domain, bus: number): boolean {
  const model = findController(domain, "pci", bus)?.model;
  return model === "pcie-root-port" || model === "pcie-switch-downstream-port";
}
