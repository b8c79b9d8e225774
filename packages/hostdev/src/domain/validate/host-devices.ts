// SPDX-License-Identifier: Apache-2.0
import { formatPciAddress } from "../../pci/address.ts";
import { invalid, unsupported } from "../../xml/complaint.ts";
import type { HostDevice } from "../devices/host-device.ts";
import type { Domain } from "../domain.ts";

/** Rules about host devices. libvirt: virDomainDefHostdevValidate, qemuValidateDomainDeviceDefHostdev. */
export function validateHostDevices({ devices }: Domain): void {
  const seen = new Set<string>();
  const once = (place: object, key: string) => {
    if (seen.has(key)) throw invalid(place, `the host device ${key} is given twice`);
    seen.add(key);
  };
  for (const card of devices.interfaces) if (card.type === "hostdev") once(card, formatPciAddress(card.source.address));
  for (const device of devices.hostDevices) {
    once(device, keyOf(device));
    if (device.boot !== undefined && (device.type === "scsi_host" || device.type === "mdev")) {
      throw unsupported(
        device,
        `a guest cannot boot from a host device of type ${device.type}`,
        "boot for host devices of type pci, usb and scsi",
      );
    }
    if (device.rom !== undefined && device.type !== "pci" && device.type !== "mdev")
      throw invalid(device, "<rom> is for PCI devices");
    if (device.rom?.enabled === false && (device.rom.bar ?? device.rom.file) !== undefined) {
      throw invalid(device, "a <rom> that is not enabled has neither bar nor file");
    }
  }
  const ramfb = devices.hostDevices.filter((device) => "ramfb" in device && device.ramfb === true);
  if (ramfb[1] !== undefined) throw invalid(ramfb[1], "only one device can have ramfb='on'");
  for (const device of devices.hostDevices) {
    const shown = "display" in device && device.display === true;
    if (shown && devices.graphics.length === 0) throw invalid(device, "display='on' needs a <graphics>");
    if ("ramfb" in device && device.ramfb === true && !shown) throw invalid(device, "ramfb='on' needs display='on'");
  }
  refuseScsiConflicts(devices);
}

function keyOf(device: HostDevice): string {
  switch (device.type) {
    case "pci":
      return formatPciAddress(device.source.address);
    case "usb": {
      const { address, vendor, product } = device.source;
      return address === undefined ? `usb ${vendor}:${product}` : `usb ${address.bus}.${address.device}`;
    }
    case "scsi": {
      const { source } = device;
      if (source.protocol === "iscsi") return `iscsi ${source.host.name} ${source.name}`;
      return `${source.adapter.name} ${source.address.bus}:${source.address.target}:${source.address.unit}`;
    }
    case "scsi_host":
      return device.source.wwpn;
    case "mdev":
      return device.source.uuid;
  }
}

/** Disks and SCSI devices share the places of a SCSI controller. */
function refuseScsiConflicts(devices: Domain["devices"]): void {
  const taken = new Map<string, string>();
  for (const disk of devices.disks) {
    if (disk.target.bus !== "scsi" || disk.address?.type !== "drive") continue;
    const { controller, bus, target, unit } = disk.address;
    taken.set(`${controller}:${bus}:${target}:${unit}`, `disk ${disk.target.dev}`);
  }
  for (const device of devices.hostDevices) {
    if (device.type !== "scsi" || device.address?.type !== "drive") continue;
    const { controller, bus, target, unit } = device.address;
    const place = `${controller}:${bus}:${target}:${unit}`;
    const other = taken.get(place);
    if (other !== undefined) throw invalid(device, `SCSI address ${place} is taken by ${other}`);
    taken.set(place, "another host device");
  }
}
