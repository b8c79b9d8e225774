// SPDX-License-Identifier: Apache-2.0
import { dirname, posix } from "node:path";
import type { Host } from "../core/host.ts";
import { pciDevices } from "../pci/sysfs.ts";
import type { ListedNodeDevice } from "./list-node-devices.ts";
import { UdevDevice } from "./udev-device.ts";

const pciName = /^pci_([0-9a-f]{4,8})_([0-9a-f]{2})_([0-9a-f]{2})_([0-7])$/;
const pciSysname = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;

/**
 * One PCI function as `listNodeDevices` has it, without the others: clients ask for one after the other by name.
 *
 * Touches: one link of sysfs. Needs: nothing.
 * @returns `undefined` when there is none of that name, or the name is not that of a PCI function.
 */
export function pciNodeDevice(host: Host, name: string): ListedNodeDevice | undefined {
  const [, domain, bus, slot, fn] = pciName.exec(name) ?? [];
  const target = domain === undefined ? undefined : host.readLink(`${pciDevices}/${domain}:${bus}:${slot}.${fn}`);
  if (target === undefined) return undefined;
  const path = posix.resolve(pciDevices, target);
  return { name, parent: parentOf(path), type: "pci", device: new UdevDevice(host, "pci", path) };
}

/** Above a PCI function only other functions are node devices: bridges. */
function parentOf(path: string): string {
  for (let above = dirname(path); above !== "/"; above = dirname(above)) {
    const sysname = above.slice(above.lastIndexOf("/") + 1);
    if (pciSysname.test(sysname)) return `pci_${sysname.replace(/[:.]/g, "_")}`;
  }
  return "computer";
}
