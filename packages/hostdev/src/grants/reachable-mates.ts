// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { endpointsOf, readIommuGroup } from "../pci/iommu-group.ts";
import { readPciFunction } from "../pci/pci-function.ts";
import { isVfioDriver } from "../vfio/viability.ts";
import type { Grant } from "./grant.ts";

/**
 * The endpoints that a grant's user can reach though they were not lent: who has the group's node can use every member
 * that is on a vfio driver, and somebody has put a held or a new one there since.
 *
 * Touches: reads sysfs. Needs: nothing. Only of use for a grant of this boot.
 */
export function findReachableMates(host: Host, { endpoints }: Grant): readonly string[] {
  const given = endpoints.filter(({ role }) => role === "give").map(({ address }) => address);
  const number = given
    .map((address) => readPciFunction(host, address)?.group)
    .find((found) => typeof found === "number");
  const group = number === undefined || number === null ? undefined : readIommuGroup(host, number);
  if (group === undefined) return [];
  return endpointsOf(group).flatMap(({ address, driver }) =>
    isVfioDriver(driver) && !given.includes(address) ? [address] : [],
  );
}

/** The error that says so, for findings and warnings. */
export function reachableMateError(grant: Grant, address: string): HostdevError<"HD_MATE_REACHABLE"> {
  const { device, user, group } = grant;
  const text = `${address} came onto vfio-pci: ${user.name}, who has ${device} of the same IOMMU group, can use it, though it was not lent`;
  return new HostdevError("HD_MATE_REACHABLE", text, { address, group, user: user.name, grant: device });
}
