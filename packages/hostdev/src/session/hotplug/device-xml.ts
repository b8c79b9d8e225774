// SPDX-License-Identifier: Apache-2.0
import type { DeviceInfo } from "../../domain/devices/device-info.ts";
import { type Disk, disk } from "../../domain/devices/disk.ts";
import { type HostDevice, hostDevice } from "../../domain/devices/host-device.ts";
import { type NetworkInterface, networkInterface } from "../../domain/devices/network-interface.ts";
import type { Domain } from "../../domain/domain.ts";
import { formatPciAddress } from "../../pci/address.ts";
import { originOfElement, unsupported } from "../../xml/complaint.ts";
import { readXml } from "../../xml/reader.ts";
import { noGuestDevice } from "../session-errors.ts";

/** A device that can come and go while the guest runs. */
export type Pluggable =
  | { readonly list: "disks"; readonly device: Disk }
  | { readonly list: "interfaces"; readonly device: NetworkInterface }
  | { readonly list: "hostDevices"; readonly device: HostDevice };

const supported = "<disk>, <interface> or <hostdev>";

/**
 * Reads the XML of one device.
 *
 * @throws {HostdevError} `HD_XML_SYNTAX`, `HD_XML_LIMIT`, `HD_DOMAIN_INVALID`, `HD_DOMAIN_UNSUPPORTED`.
 */
export function readDevice(xml: string): Pluggable {
  const root = readXml(xml);
  switch (root.name) {
    case "disk":
      return { list: "disks", device: disk.read(root, "domain/devices") };
    case "interface":
      return { list: "interfaces", device: networkInterface.read(root, "domain/devices") };
    case "hostdev":
      return { list: "hostDevices", device: hostDevice.read(root, "domain/devices") };
    default:
      throw unsupported(originOfElement(root, "domain/devices"), "it cannot be plugged in or out", supported);
  }
}

/** Puts a device into a domain, behind the others of its kind. */
export function addTo({ devices }: Domain, { list, device }: Pluggable): void {
  (devices[list] as (typeof device)[]).push(device);
}

/** Takes a device out of a domain. */
export function removeFrom({ devices }: Domain, { list, device }: Pluggable): void {
  const all = devices[list] as (typeof device)[];
  const at = all.indexOf(device);
  if (at !== -1) all.splice(at, 1);
}

/** All devices of a domain that can come and go. */
export function pluggables({ devices }: Domain): Pluggable[] {
  return [
    ...devices.disks.map((device) => ({ list: "disks", device }) as const),
    ...devices.interfaces.map((device) => ({ list: "interfaces", device }) as const),
    ...devices.hostDevices.map((device) => ({ list: "hostDevices", device }) as const),
  ];
}

/** The device of a domain that some XML means: by its target, its MAC address, or what of the host it is. */
export function findLike(domain: Domain, wanted: Pluggable): Pluggable | undefined {
  const names = identities(wanted);
  return pluggables(domain).find((one) => [...identities(one), ...usbModel(one)].some((name) => names.includes(name)));
}

/** @throws {HostdevError} `HD_NO_GUEST_DEVICE`. */
export function requireLike(domain: Domain, wanted: Pluggable): Pluggable {
  const found = findLike(domain, wanted);
  if (found === undefined) throw noGuestDevice(domain.name, describe(wanted));
  return found;
}

/** @throws {HostdevError} `HD_NO_GUEST_DEVICE`, also for devices that stay as long as the guest. */
export function requireAlias(domain: Domain, alias: string): Pluggable {
  const found = pluggables(domain).find(({ device }) => device.alias === alias);
  if (found === undefined) throw noGuestDevice(domain.name, `device ${alias} that can be plugged out`);
  return found;
}

/** A USB device that runs is known by where it is, and is still meant by what it is. */
function usbModel({ list, device }: Pluggable): string[] {
  if (list !== "hostDevices" || device.type !== "usb" || device.source.vendor === undefined) return [];
  return [`USB device ${hex(device.source.vendor)}:${hex(device.source.product)}`];
}

/** By any of these two devices of a domain would be the same one. */
function identities({ list, device }: Pluggable): string[] {
  if (list === "disks") return [`disk ${device.target.dev}`];
  if (list === "interfaces") {
    const host = device.type === "hostdev" ? [`host device ${formatPciAddress(device.source.address)}`] : [];
    return [...host, ...(device.mac === undefined ? [] : [`interface ${device.mac.toLowerCase()}`])];
  }
  return [describe({ list, device })];
}

/** A device in words, for messages. */
export function describe({ list, device }: Pluggable): string {
  if (list === "disks") return `disk ${device.target.dev}`;
  if (list === "interfaces") return `interface ${device.mac ?? `of type ${device.type}`}`;
  switch (device.type) {
    case "pci":
      return `host device ${formatPciAddress(device.source.address)}`;
    case "usb": {
      const { address, vendor, product } = device.source;
      if (address !== undefined) return `USB device ${address.bus}:${address.device}`;
      return `USB device ${hex(vendor)}:${hex(product)}`;
    }
    case "mdev":
      return `mediated device ${device.source.uuid}`;
    case "scsi":
      return `SCSI device ${JSON.stringify(device.source)}`;
    case "scsi_host":
      return `SCSI host ${device.source.wwpn}`;
  }
}

function hex(value: number | undefined): string {
  return (value ?? 0).toString(16).padStart(4, "0");
}

/** The alias that a device gets when it is plugged in: behind the highest that is in use. */
export function freeAlias({ devices }: Domain, prefix: string): string {
  const all: readonly DeviceInfo[] = [...devices.interfaces, ...devices.hostDevices];
  const used = all.map(({ alias }) => (alias?.startsWith(prefix) === true ? Number(alias.slice(prefix.length)) : -1));
  return `${prefix}${1 + Math.max(-1, ...used.filter(Number.isInteger))}`;
}
