// SPDX-License-Identifier: Apache-2.0
import type { GrantTarget } from "../core/error-details.ts";
import type { Host } from "../core/host.ts";
import { MiB } from "../core/units.ts";
import { readIommuGroup } from "../pci/iommu-group.ts";
import { readPciFunction } from "../pci/pci-function.ts";
import { groupNode } from "../vfio/nodes.ts";
import { isBlockingDriver, isHeld } from "../vfio/viability.ts";
import type { VmNeeds } from "./vm-needs.ts";

/** The part of a VM's needs that a grant is made for. */
export type GrantNeeds = Pick<VmNeeds, "hostDevices" | "memoryBytes">;

/**
 * What an administrator is to be asked for, so that a VM can have a device: one grant is all that its group takes, the
 * VM's other devices of the group and the mates that the host would lose included.
 *
 * Touches: reads sysfs and the group node's mode. Needs: nothing.
 */
export function grantTarget(host: Host, address: string, { hostDevices, memoryBytes }: GrantNeeds): GrantTarget {
  const number = readPciFunction(host, address)?.group ?? null;
  const members = (number === null ? undefined : readIommuGroup(host, number))?.members ?? [];
  const wanted = [...new Set(hostDevices)].filter((each) => members.some((member) => member.address === each));
  const lend = wanted.length === 0 ? [address] : wanted;
  const mates = members.filter((member) => !member.isBridge && !lend.includes(member.address));
  return {
    address,
    user: host.self.name,
    memoryMiB: Math.ceil(memoryBytes / MiB),
    lend,
    hold: mates.filter((mate) => isBlockingDriver(mate.driver) || isHeld(mate)).map((mate) => mate.address),
    isLent: number !== null && host.canAccess(groupNode(number), "read-write"),
  };
}
