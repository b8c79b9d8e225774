// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { compareAddresses } from "./address.ts";
import { type PciFunction, readPciFunction } from "./pci-function.ts";
import { iommuGroups } from "./sysfs.ts";

/** The smallest set of functions that the IOMMU can keep apart from the rest: the unit of ownership. */
export interface IommuGroup {
  readonly number: number;
  /** In address order; bridges too. */
  readonly members: readonly PciFunction[];
}

/**
 * Reads a group with all its members. `undefined` when there is no such group.
 *
 * Touches: reads `/sys/kernel/iommu_groups/<number>/devices` and the members' folders. Needs: nothing.
 * @see https://docs.kernel.org/driver-api/vfio.html#groups-devices-and-iommus
 */
export function readIommuGroup(host: Host, number: number): IommuGroup | undefined {
  const addresses = host.list(`${iommuGroups}/${number}/devices`);
  if (addresses === undefined) return undefined;
  // A group can hold devices of other buses (platform, mdev); those have no function here.
  const members = [...addresses].sort(compareAddresses).map((address) => readPciFunction(host, address));
  return { number, members: members.filter((member) => member !== undefined) };
}

/** The members that can be lent or held: all but the bridges. */
export function endpointsOf(group: IommuGroup): readonly PciFunction[] {
  return group.members.filter((member) => !member.isBridge);
}

/** Whether this machine has any IOMMU group at all. */
export function hasIommuGroups(host: Host): boolean {
  return (host.list(iommuGroups) ?? []).length > 0;
}
