// SPDX-License-Identifier: Apache-2.0
import { invalid } from "../../xml/complaint.ts";
import { controllersOf, ensureController } from "../controllers.ts";
import type { Domain } from "../domain.ts";

const usualPorts = 31;

/**
 * Gives channels ports of virtio-serial controllers, in place, and adds controllers when ports run out.
 * Port 0 is left to consoles. libvirt: qemuDomainAssignVirtioSerialAddresses.
 */
export function assignVirtioSerialAddresses(domain: Domain): void {
  const taken = new Map<number, Set<number>>();
  const portsOf = (controller: number) => {
    const ports = taken.get(controller) ?? new Set<number>();
    taken.set(controller, ports);
    return ports;
  };
  const virtio = domain.devices.channels.filter((channel) => channel.target.type === "virtio");
  for (const device of [...virtio, ...domain.devices.consoles]) {
    const { address } = device;
    if (address?.type !== "virtio-serial" || address.port === 0) continue;
    if (portsOf(address.controller).has(address.port)) {
      throw invalid(device, `port ${address.port} of virtio-serial controller ${address.controller} is taken`);
    }
    portsOf(address.controller).add(address.port);
  }
  for (const channel of virtio) {
    const { address } = channel;
    if (address !== undefined && (address.type !== "virtio-serial" || address.port !== 0)) continue;
    const place = nextFree(domain, portsOf, address?.controller);
    if (place === undefined) throw invalid(channel, "no port is left on its virtio-serial controller");
    portsOf(place.controller).add(place.port);
    channel.address = { type: "virtio-serial", ...place, bus: 0 };
  }
}

function nextFree(domain: Domain, portsOf: (controller: number) => Set<number>, only: number | undefined) {
  const controllers = controllersOf(domain, "virtio-serial");
  for (const { index = 0, ports = usualPorts } of controllers) {
    if (only !== undefined && index !== only) continue;
    for (let port = 1; port < ports; port++) if (!portsOf(index).has(port)) return { controller: index, port };
  }
  if (only !== undefined) return undefined;
  const index = Math.max(-1, ...controllers.map((controller) => controller.index ?? 0)) + 1;
  ensureController(domain, { type: "virtio-serial", index });
  return { controller: index, port: 1 };
}
