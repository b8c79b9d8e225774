// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { formatSize, GiB } from "../core/units.ts";
import { endpointsOf } from "../pci/iommu-group.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { isVfioDriver } from "../vfio/viability.ts";
import type { GrantRequest, Role } from "./grant.ts";
import type { Observation } from "./observe.ts";

/** What a grant is sized for when nothing is said: 4 GiB, or half of a smaller machine. Bytes. */
export function defaultMemoryBytes(hostMemoryBytes: number): number {
  return Math.min(4 * GiB, Math.floor(hostMemoryBytes / 2));
}

/**
 * Refuses what must not be done, before anything is. Pure.
 *
 * @throws {HostdevError} `HD_ALREADY_GRANTED`, `HD_QUARANTINED`, `HD_DEVICE_INSANE`, `HD_NOT_A_MATE`, `HD_IN_USE`, `HD_USAGE_UNKNOWN`,
 * `HD_MATES_NOT_ACCEPTED`, `HD_NO_RESET`, `HD_MEMORY_EXCEEDS_HOST`.
 */
export function refuse(observation: Observation, request: GrantRequest): void {
  refuseGranted(observation);
  refuseQuarantined(observation);
  refuseInsane(observation);
  refuseWrongMates(observation, request);
  refuseInUse(observation, request);
  refuseUnknownUse(observation, request);
  refuseMates(observation, request);
  refuseWithoutReset(observation, request);
  const { hostMemoryBytes } = observation;
  const memoryBytes = request.memoryBytes ?? 0;
  if (memoryBytes > hostMemoryBytes) {
    const message = `Cannot size a grant for ${formatSize(memoryBytes)}: the machine has ${formatSize(hostMemoryBytes)}`;
    throw new HostdevError("HD_MEMORY_EXCEEDS_HOST", message, {
      requestedBytes: memoryBytes,
      hostBytes: hostMemoryBytes,
    });
  }
}

function refuseGranted({ device, group, records, user }: Observation): void {
  const addresses = new Set(group.members.map((member) => member.address));
  const taken = records.find((record) => record.grant.endpoints.some((endpoint) => addresses.has(endpoint.address)));
  if (taken === undefined) return;
  const { grant } = taken;
  const whose = grant.user.uid === user.uid ? `${user.name} already` : grant.user.name;
  const what = grant.id === device.address ? device.address : `IOMMU group ${group.number}, with ${grant.id},`;
  throw new HostdevError("HD_ALREADY_GRANTED", `Cannot lend ${device.address}: ${what} is lent to ${whose}`, {
    address: grant.id,
    user: grant.user.name,
    grant: grant.id,
  });
}

function refuseInsane({ device }: Observation): void {
  if (device.vendorId !== 0xffff) return;
  const message = `Cannot lend ${device.address}: it does not answer (all ones)`;
  throw new HostdevError("HD_DEVICE_INSANE", message, { address: device.address });
}

function refuseQuarantined({ device, group, quarantines }: Observation): void {
  const found = quarantines.find(({ address }) => group.members.some((member) => member.address === address));
  if (found === undefined) return;
  const what = found.address === device.address ? "it" : `${found.address}, of the same IOMMU group,`;
  const message = `Cannot lend ${device.address}: ${what} is in quarantine since ${found.user} had it: ${found.reason}`;
  throw new HostdevError("HD_QUARANTINED", message, { address: found.address, reason: found.reason });
}

function refuseWrongMates({ device, group }: Observation, { hold, give = [] }: GrantRequest): void {
  const endpoints = endpointsOf(group).map((endpoint) => endpoint.address);
  const refusal = (address: string, role: Role): string | undefined => {
    if (!endpoints.includes(address)) return `it is no endpoint of IOMMU group ${group.number}`;
    if (role === "hold" && address === device.address) return "it is the device to be lent";
    return role === "hold" && give.includes(address) ? "it is to be given, too" : undefined;
  };
  const asked = [
    ...hold.map((address) => ({ address, role: "hold" as const })),
    ...give.map((address) => ({ address, role: "give" as const })),
  ];
  for (const { address, role } of asked) {
    const what = refusal(address, role);
    if (what === undefined) continue;
    const details = { address, group: group.number, endpoints };
    throw new HostdevError("HD_NOT_A_MATE", `Cannot ${role} ${address}: ${what}`, details);
  }
}

/** What comes back as the user left it may attack the host's driver; so that has to be known beforehand. */
function refuseWithoutReset(observation: Observation, request: GrantRequest): void {
  if (request.acceptNoReset) return;
  const given = rolesOf(observation, request).filter(({ role }) => role === "give");
  const found = given.find(({ endpoint }) => observation.withoutReset.has(endpoint.address))?.endpoint;
  if (found === undefined) return;
  const message = `Cannot lend ${found.address}: it cannot be reset, so that it would come back as the user left it`;
  throw new HostdevError("HD_NO_RESET", message, { address: found.address, device: observation.device.address });
}

/** Over all endpoints, not only the device: what the host lives on may be a mate. */
function refuseInUse({ device, group, uses }: Observation, { force }: GrantRequest): void {
  const graves = uses.filter(({ address }) => !force.includes(address));
  if (graves.length === 0) return;
  const message = `Cannot lend ${device.address}: the host lives on IOMMU group ${group.number}: ${graves.map(({ text }) => text).join("; ")}`;
  const details = { address: device.address, uses: graves.map(({ address, kind, path }) => ({ address, kind, path })) };
  throw new HostdevError("HD_IN_USE", message, details);
}

/** Unknown is in use: what root cannot read could tell that the host lives on any of them. */
function refuseUnknownUse({ device, group, unread }: Observation, { force }: GrantRequest): void {
  const taken = endpointsOf(group).filter(({ driver }) => driver !== null && !isVfioDriver(driver));
  const asked = taken.filter(({ address, driver }) => driver !== "pci-stub" && !force.includes(address));
  if (unread.length === 0 || asked.length === 0) return;
  const more = unread.length > 1 ? ` and ${unread.length - 1} more` : "";
  const message = `Cannot lend ${device.address}: cannot tell what the host uses it for without reading ${unread[0]}${more}`;
  const addresses = asked.map(({ address }) => address);
  throw new HostdevError("HD_USAGE_UNKNOWN", message, { address: device.address, endpoints: addresses, unread });
}

function refuseMates({ device, group }: Observation, { hold, give = [], holdMates }: GrantRequest): void {
  const named = new Set([device.address, ...hold, ...give]);
  const mates = endpointsOf(group).flatMap(({ address, driver }) =>
    holdMates || named.has(address) || driver === null || driver === "pci-stub" ? [] : [{ address, driver }],
  );
  if (mates.length === 0) return;
  const names = mates.map((mate) => `${mate.address} (${mate.driver})`).join(", ");
  const message = `Cannot lend ${device.address}: the host would lose ${names} too, in the same IOMMU group ${group.number}`;
  throw new HostdevError("HD_MATES_NOT_ACCEPTED", message, { address: device.address, group: group.number, mates });
}

/** The role of each endpoint of the group: what is named is given, all others are held. Pure. */
export function rolesOf(
  { device, group }: Observation,
  { give = [] }: GrantRequest,
): readonly { readonly endpoint: PciFunction; readonly role: Role }[] {
  return endpointsOf(group).map((endpoint) => ({
    endpoint,
    role: endpoint.address === device.address || give.includes(endpoint.address) ? "give" : "hold",
  }));
}
