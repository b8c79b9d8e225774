// SPDX-License-Identifier: Apache-2.0
import type { FunctionIdentity } from "../pci/identity.ts";
import type { Grant, GrantedEndpoint } from "./grant.ts";
import { compareSerials, isSameKind, mergeSerials, nameSerials } from "./same-card.ts";

/** An endpoint of the machine as it is now. */
export interface Candidate {
  readonly address: string;
  readonly group: number | null;
  readonly identity: FunctionIdentity;
}

/** Where the endpoints of a grant are now, or why they are not what was lent. */
export type Resolution =
  | { readonly isResolved: true; readonly group: number; readonly endpoints: readonly GrantedEndpoint[] }
  | { readonly isResolved: false; readonly problem: "missing" | "different"; readonly reason: string };

type Found = Candidate | { readonly problem: "missing" | "different"; readonly reason: string };

/**
 * Finds the endpoints of a grant by their identity: neither by address nor by group number, which may be others' by
 * now. All of them must be found, in one group, and nothing else in it: else there is no answer but the reason. Pure.
 *
 * See decision 0008 for what counts as the same card.
 * @param candidates all endpoints of the machine; serial numbers at least of those of the grant's kinds.
 */
export function resolveGrant(grant: Grant, candidates: readonly Candidate[]): Resolution {
  const endpoints: GrantedEndpoint[] = [];
  const groups = new Set<number | null>();
  for (const endpoint of grant.endpoints) {
    const found = findEndpoint(endpoint, candidates);
    if ("problem" in found) return { isResolved: false, ...found };
    const { address, group, identity } = found;
    const serials = mergeSerials(endpoint.identity.serials, identity.serials);
    endpoints.push({ ...endpoint, address, identity: { ...identity, serials } });
    groups.add(group);
  }
  const [group] = groups;
  const different = (reason: string) => ({ isResolved: false, problem: "different", reason }) as const;
  if (typeof group !== "number") return different(`${grant.device} has no IOMMU group now`);
  if (groups.size > 1) return different("its endpoints are no longer in one IOMMU group");
  const known = new Set(endpoints.map(({ address }) => address));
  const more = candidates.filter((candidate) => candidate.group === group && !known.has(candidate.address));
  if (more.length === 0) return { isResolved: true, group, endpoints };
  return different(`IOMMU group ${group} has ${more.map(({ address }) => address).join(", ")} too now`);
}

function findEndpoint({ address, identity: wanted }: GrantedEndpoint, candidates: readonly Candidate[]): Found {
  const kin = candidates.filter(({ identity }) => isSameKind(wanted, identity));
  const isInPlace = ({ identity }: Candidate) => identity.path.join("/") === wanted.path.join("/");
  const proven = kin.filter(({ identity }) => compareSerials(wanted.serials, identity.serials) === "same");
  const [certain] = proven.length > 1 ? proven.filter(isInPlace) : proven;
  if (certain !== undefined) return certain;
  const ids = idsOf(wanted);
  if (proven.length > 1) {
    const where = proven.map((candidate) => candidate.address).join(" and ");
    return { problem: "different", reason: `${where} bear the same serial number, and none is where ${address} was` };
  }
  const inPlace = candidates.find(isInPlace);
  if (inPlace === undefined) {
    const twins = kin.map((candidate) => candidate.address).join(", ");
    const more = twins === "" ? "" : `; ${twins} is of its kind, but by no serial number the same card`;
    return { problem: "missing", reason: `${address} (${ids}) is not there${more}` };
  }
  const { identity } = inPlace;
  if (!isSameKind(wanted, identity)) {
    const reason = `another card is in the slot of ${address}: ${idsOf(identity)} instead of ${ids}`;
    return { problem: "different", reason };
  }
  if (compareSerials(wanted.serials, identity.serials) === "different") {
    const numbers = `${nameSerials(identity.serials)} instead of ${nameSerials(wanted.serials)}`;
    return { problem: "different", reason: `a twin is in the slot of ${address}: ${numbers}` };
  }
  return inPlace;
}

/** `8086:10d3`, with the subsystem and the revision where only they tell cards apart. */
function idsOf(identity: FunctionIdentity): string {
  const hex = (value: number, digits = 4) => value.toString(16).padStart(digits, "0");
  const { vendorId, deviceId, subsystemVendorId, subsystemDeviceId, revision } = identity;
  return `${hex(vendorId)}:${hex(deviceId)} (subsystem ${hex(subsystemVendorId)}:${hex(subsystemDeviceId)}, rev ${hex(revision, 2)})`;
}
