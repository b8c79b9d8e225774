// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../domain/domain.ts";
import { nodeNumbers } from "../qemu/arguments/disk.ts";

/** Names the way by which a device of the host is assigned, as libvirt does once a guest has it. */
export function fillHostDriver(device: Domain["devices"]["hostDevices" | "interfaces"][number]): void {
  if (device.type === "pci") device.driver = { ...device.driver, name: "vfio" };
  else if (device.type === "hostdev") device.driverName = "vfio";
}

/**
 * Completes a domain that is about to run by what depends on this run, as libvirt's live XML has it: numbers of block
 * nodes, drivers of assigned devices, sockets of channels, and screens. A screen that does not say where it listens gets a socket in the VM's folder, which nobody
 * else can open; a TCP port on this machine could be opened by every user of it.
 *
 * @param directory the folder of the run.
 */
export function fillLiveDefaults(domain: Domain, directory: string): void {
  const { devices } = domain;
  for (const [{ source }, number] of nodeNumbers(domain)) if (source !== undefined) source.index = number;
  for (const device of [...devices.hostDevices, ...devices.interfaces]) fillHostDriver(device);
  for (const channel of devices.channels) {
    if (channel.type !== "unix" || channel.source?.mode === "connect") continue;
    channel.source = { mode: "bind", labels: [], path: `${directory}/${channel.alias}.sock`, ...channel.source };
    if (channel.target.type === "virtio") channel.target.state ??= "disconnected";
  }
  for (const port of [...devices.serials, ...devices.consoles, ...devices.parallels]) {
    if (port.type !== "unix" || port.source?.mode === "connect") continue;
    port.source = { mode: "bind", labels: [], path: `${directory}/${port.alias}.sock`, ...port.source };
  }
  for (const graphics of devices.graphics) {
    if (graphics.type !== "vnc" && graphics.type !== "spice") continue;
    const [listen] = graphics.listens;
    const hasPort = (graphics.port ?? -1) !== -1 || (graphics.type === "spice" && (graphics.tlsPort ?? -1) > 0);
    const hasAddress = graphics.listen !== undefined || (listen?.type === "address" && listen.address !== undefined);
    const isLeftToUs = listen === undefined || listen.type === "address";
    if (isLeftToUs && !hasPort && !hasAddress) {
      graphics.listens = [{ type: "socket", socket: `${directory}/${graphics.type}.sock` }];
      delete graphics.autoport;
      delete graphics.port;
      if (graphics.type === "spice") delete graphics.tlsPort;
    } else if (listen?.type === "socket") listen.socket ??= `${directory}/${graphics.type}.sock`;
    else if (listen?.type === "address") {
      listen.address ??= "127.0.0.1";
      graphics.listen = listen.address;
    }
  }
}
