// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { enumerateFunctions, findFunction } from "../pci/enumerate.ts";
import { readUsage } from "../usage/read-usage.ts";
import { groupNode } from "../vfio/nodes.ts";
import { readVfSettings, type VfSettings } from "../vfio/vf-settings.ts";
import type { GrantedVf, GrantRequest } from "./grant.ts";
import { readQuarantines } from "./quarantine.ts";
import { readRecords } from "./store.ts";
import { readPools } from "./vf-pool.ts";
import { chooseVf, isFreeFunction, planCreation } from "./vf-request.ts";

/** A virtual function that is to be lent. */
export interface VfTarget {
  readonly granted: GrantedVf;
  /** What it is held to now; `null` when that stays as it is. */
  readonly before: VfSettings | null;
}

/**
 * Finds the virtual function that a request means, and what its physical function holds it to.
 *
 * Touches: reads sysfs, proc, our records; `ip link show`. Needs: root, to see who uses what.
 * @returns the request for that function itself; any other request as it is.
 * @throws {HostdevError} as `planCreation`; `HD_VF_NOT_FOUND` when there is none (yet), `HD_VF_SETTINGS`.
 */
export async function findVfTarget(
  host: Host,
  request: GrantRequest,
): Promise<{ readonly own: GrantRequest; readonly vf: VfTarget | null }> {
  const { vf: wanted, device } = request;
  if (wanted === undefined) return { own: request, vf: null };
  planCreation(host, device, wanted); // refuses
  const { address: physicalFunction } = findFunction(host, device);
  const isFree = wanted.index === "any" ? freeFunctions(host) : () => true;
  const { address, index } = chooseVf(host, physicalFunction, wanted.index, isFree);
  const { mac = null, vlan = null } = wanted;
  const created = readPools(host).find((pool) => pool.physicalFunction === physicalFunction)?.count ?? null;
  const before = mac === null && vlan === null ? null : await readVfSettings(host, physicalFunction, index);
  return {
    own: { ...request, device: address },
    vf: { granted: { physicalFunction, index, created, mac, vlan }, before },
  };
}

function freeFunctions(host: Host): (address: string) => boolean {
  const functions = enumerateFunctions(host);
  const { uses } = readUsage(host, functions);
  const lent = readRecords(host).flatMap(({ grant }) => grant.endpoints.map(({ address }) => address));
  const taken = new Set([...lent, ...readQuarantines(host).map(({ address }) => address)]);
  return (address) => {
    const fn = functions.find((each) => each.address === address);
    const node = fn?.group === null || fn === undefined ? undefined : host.status(groupNode(fn.group));
    return isFreeFunction(fn, uses, taken, node?.uid);
  };
}
