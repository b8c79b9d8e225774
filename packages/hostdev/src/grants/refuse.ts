// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { formatSize } from "../core/units.ts";
import { memoryBudget } from "../memlock/budget.ts";
import { endpointsOf } from "../pci/iommu-group.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { interruptsRefused } from "../vfio/interrupt-safety.ts";
import { isVfioDriver } from "../vfio/viability.ts";
import type { GrantRequest, Role } from "./grant.ts";
import type { Observation } from "./observe.ts";
import { foreignProgramError } from "./own-program.ts";
import { isInForce } from "./record.ts";
import { isSameCard } from "./same-card.ts";

/**
 * Refuses what must not be done, before anything is. Pure.
 *
 * @throws {HostdevError} `HD_ALREADY_GRANTED`, `HD_QUARANTINED`, `HD_DEVICE_INSANE`, `HD_INTERRUPT_REMAPPING_OFF`, `HD_NOT_A_MATE`, `HD_IN_USE`, `HD_USAGE_UNKNOWN`,
 * `HD_MATES_NOT_ACCEPTED`, `HD_NO_RESET`, `HD_MEMORY_EXCEEDS_HOST`, `HD_MEMLOCK_BUDGET`, `HD_PROGRAM_WRITABLE`.
 * @param memoryBytes guest memory that it is sized for.
 */
export function refuse(observation: Observation, request: GrantRequest, memoryBytes: number): void {
  refuseGranted(observation);
  refuseQuarantined(observation);
  refuseInsane(observation);
  refuseInterrupts(observation);
  refuseWrongMates(observation, request);
  refuseInUse(observation, request);
  refuseUnknownUse(observation, request);
  refuseMates(observation, request);
  refuseWithoutReset(observation, request);
  refuseMemory(observation, request, memoryBytes);
  refuseUnits(observation, request);
}

/** Where there is an end, units come with the grant, which run this program as root. */
function refuseUnits({ device, hasSystemd, foreignProgram }: Observation, { lease }: GrantRequest): void {
  if (foreignProgram === undefined || !hasSystemd || (lease?.expiresAt ?? null) === null) return;
  throw foreignProgramError(`Cannot let units end the lease of ${device.address}`, foreignProgram);
}

/** Over all grants of all users, those that wait too: they may come back at any time. */
function refuseMemory(
  { hostMemoryBytes, records, device }: Observation,
  { leaveBytes }: GrantRequest,
  memoryBytes: number,
): void {
  if (memoryBytes > hostMemoryBytes) {
    const message = `Cannot size a grant for ${formatSize(memoryBytes)}: the machine has ${formatSize(hostMemoryBytes)}`;
    throw new HostdevError("HD_MEMORY_EXCEEDS_HOST", message, {
      requestedBytes: memoryBytes,
      hostBytes: hostMemoryBytes,
    });
  }
  const lentBytes = records.reduce((sum, { grant }) => sum + grant.memoryBytes, 0);
  const budgetBytes = memoryBudget(hostMemoryBytes, leaveBytes);
  if (lentBytes + memoryBytes <= budgetBytes) return;
  const kept = `of ${formatSize(hostMemoryBytes)} the host keeps ${formatSize(hostMemoryBytes - budgetBytes)}`;
  const lent = lentBytes === 0 ? "" : `, and VMs that devices are lent to may have ${formatSize(lentBytes)} already`;
  const message = `Cannot lend ${device.address} for a VM of ${formatSize(memoryBytes)}: ${kept}${lent}`;
  throw new HostdevError("HD_MEMLOCK_BUDGET", message, {
    requestedBytes: memoryBytes,
    lentBytes,
    budgetBytes,
    hostBytes: hostMemoryBytes,
    grants: records.map(({ grant }) => ({
      device: grant.device,
      user: grant.user.name,
      memoryBytes: grant.memoryBytes,
    })),
  });
}

function refuseGranted({ device, group, records, user, bootId, identities }: Observation): void {
  const addresses = new Set(group.members.map((member) => member.address));
  const taken = records.find((record) =>
    record.grant.endpoints.some(({ address, identity }) => {
      // What waits was seen at this address in an earlier boot: who knows what is there now?
      if (isInForce(record, bootId) || !record.grant.lease.isPersistent) return addresses.has(address);
      return [...identities.values()].some((now) => isSameCard(identity, now));
    }),
  );
  if (taken === undefined) return;
  const { grant } = taken;
  const whose = grant.user.uid === user.uid ? `${user.name} already` : grant.user.name;
  const what = grant.device === device.address ? device.address : `IOMMU group ${group.number}, with ${grant.device},`;
  throw new HostdevError("HD_ALREADY_GRANTED", `Cannot lend ${device.address}: ${what} is lent to ${whose}`, {
    address: grant.device,
    user: grant.user.name,
    grant: grant.id,
  });
}

function refuseInsane({ device, responds }: Observation): void {
  if (responds) return;
  const message = `Cannot lend ${device.address}: it does not answer (all ones)`;
  throw new HostdevError("HD_DEVICE_INSANE", message, { address: device.address });
}

/** It would be bound and given, and then the user's VM would not start. */
function refuseInterrupts({ device, interrupts }: Observation): void {
  if (interrupts.state === "refused") throw interruptsRefused(`Cannot lend ${device.address}`, interrupts);
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
