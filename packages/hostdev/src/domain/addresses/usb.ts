// SPDX-License-Identifier: Apache-2.0

/** USB ports: which devices go where, and hubs when ports run out. libvirt: qemuDomainAssignUSBAddresses. */
import { invalid } from "../../xml/complaint.ts";
import { controllersOf } from "../controllers.ts";
import type { AddressOf } from "../devices/address.ts";
import type { ControllerOf } from "../devices/controller.ts";
import type { DeviceInfo } from "../devices/device-info.ts";
import type { Domain } from "../domain.ts";

type UsbDevice = DeviceInfo & object;

const hubPorts = 8;
const deepest = 4;

/** A controller or hub: its ports, and what is in each. */
class Hub {
  readonly ports: (true | Hub | undefined)[];

  constructor(count: number) {
    this.ports = Array.from({ length: count });
  }

  /** The path of the first free port; the own ones before those of hubs further out. */
  firstFree(depth = 1): number[] | undefined {
    const own = this.ports.indexOf(undefined);
    if (own >= 0) return [own + 1];
    if (depth >= deepest) return undefined;
    for (const [index, port] of this.ports.entries()) {
      const below = port instanceof Hub ? port.firstFree(depth + 1) : undefined;
      if (below !== undefined) return [index + 1, ...below];
    }
    return undefined;
  }
}

const modelPorts: Readonly<Record<string, number>> = {
  "piix3-uhci": 2,
  "piix4-uhci": 2,
  "vt82c686b-uhci": 2,
  ehci: 6,
  "ich9-ehci1": 6,
  "pci-ohci": 3,
  "nec-xhci": 4,
  "qemu-xhci": 4,
};

/** Ports a controller adds; companions of an EHCI controller add none. */
function portsOf(controller: ControllerOf<"usb">): number {
  if (controller.masterStartPort !== undefined) return 0;
  return controller.ports ?? modelPorts[controller.model ?? ""] ?? 2;
}

/** All USB devices but hubs, in the order in which they get ports. */
function usbDevices({ devices }: Domain): UsbDevice[] {
  return [
    ...devices.hostDevices.filter((device) => device.type === "usb"),
    ...devices.disks.filter((disk) => disk.target.bus === "usb"),
    ...devices.controllers.filter((controller) => controller.type === "ccid"),
    ...devices.inputs.filter((input) => input.type !== "evdev" && input.bus === "usb"),
    ...devices.serials.filter((serial) => serial.target?.type === "usb-serial"),
    ...devices.sounds.filter((sound) => sound.model === "usb"),
    ...devices.redirdevs,
  ];
}

/**
 * Gives every USB device a port, in place; adds hubs when the controllers have too few.
 *
 * @throws {HostdevError} `HD_DOMAIN_INVALID` when a port is taken, there is no such bus or hub, or USB is switched off.
 */
export function assignUsbAddresses(domain: Domain): void {
  const { devices } = domain;
  const controllers = controllersOf(domain, "usb");
  const all = usbDevices(domain);
  if (controllers.some((controller) => controller.model === "none")) {
    const [other] = controllers.filter((controller) => controller.model !== "none");
    if (other !== undefined) throw invalid(other, "USB is switched off for this domain by a controller of model none");
    const [device] = [...all, ...devices.hubs];
    if (device !== undefined) throw invalid(device, "it needs USB, which a controller of model none switches off");
    return;
  }
  const buses = new Map<number, Hub>();
  for (const controller of controllers) {
    const index = controller.index ?? 0;
    const ports = Math.max(portsOf(controller), buses.get(index)?.ports.length ?? 0);
    buses.set(index, new Hub(ports));
  }
  addHubs(domain, buses, all.length);
  // Hubs first, shallow ones before those behind them: the others may name ports on them.
  const written = devices.hubs.filter((hub) => hub.address?.type === "usb" && hub.address.port !== undefined);
  written.sort((a, b) => depthOf(a) - depthOf(b));
  for (const hub of written) plug(hub, buses, new Hub(hubPorts));
  for (const device of all)
    if (device.address?.type === "usb" && device.address.port !== undefined) plug(device, buses, true);
  for (const hub of devices.hubs) if (!written.includes(hub)) plugAnywhere(hub, buses, new Hub(hubPorts));
  for (const device of all) {
    if (device.address === undefined || (device.address.type === "usb" && device.address.port === undefined))
      plugAnywhere(device, buses, true);
  }
}

function addHubs({ devices }: Domain, buses: Map<number, Hub>, count: number): void {
  const ports = [...buses.values()].reduce((sum, bus) => sum + bus.ports.length, 0) + devices.hubs.length * hubPorts;
  const plugs = count + devices.hubs.length;
  if (plugs <= ports) return;
  const needed = Math.ceil((plugs - ports + 1) / (hubPorts - 1));
  for (let i = 0; i < needed; i++) devices.hubs.push({ type: "usb" });
}

function pathOf(address: AddressOf<"usb">): number[] {
  return (address.port ?? "").split(".").map(Number);
}

function depthOf(device: UsbDevice): number {
  return device.address?.type === "usb" ? pathOf(device.address).length : 0;
}

function plug(device: UsbDevice, buses: Map<number, Hub>, plugged: true | Hub): void {
  const { address } = device;
  if (address?.type !== "usb") return;
  let hub = buses.get(address.bus);
  if (hub === undefined) throw invalid(device, `there is no USB controller with index ${address.bus}`);
  const path = pathOf(address);
  const last = path.pop() ?? 0;
  for (const [depth, port] of path.entries()) {
    const below: true | Hub | undefined = hub.ports[port - 1];
    if (!(below instanceof Hub)) {
      throw invalid(device, `there is no hub at port ${path.slice(0, depth + 1).join(".")} of USB bus ${address.bus}`);
    }
    hub = below;
  }
  if (last < 1 || last > hub.ports.length) {
    throw invalid(
      device,
      `port ${address.port} of USB bus ${address.bus} does not exist; ports go from 1 to ${hub.ports.length}`,
    );
  }
  if (hub.ports[last - 1] !== undefined)
    throw invalid(device, `port ${address.port} of USB bus ${address.bus} is taken`);
  hub.ports[last - 1] = plugged;
}

function plugAnywhere(device: UsbDevice, buses: Map<number, Hub>, plugged: true | Hub): void {
  const asked = device.address?.type === "usb" ? device.address.bus : undefined;
  if (asked !== undefined && !buses.has(asked)) throw invalid(device, `there is no USB controller with index ${asked}`);
  for (const [bus, root] of [...buses].sort(([a], [b]) => a - b)) {
    if (asked !== undefined && bus !== asked) continue;
    const path = root.firstFree();
    if (path === undefined) continue;
    device.address = { type: "usb", bus, port: path.join(".") };
    plug(device, buses, plugged);
    return;
  }
  throw invalid(device, "no USB port is left");
}
