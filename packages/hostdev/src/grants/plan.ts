// SPDX-License-Identifier: Apache-2.0
import type { Ownership } from "../core/host.ts";
import { defaultMemoryBytes, memoryBudget } from "../memlock/budget.ts";
import { grantedBytes } from "../memlock/requirement.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { type Binding, isSameBinding } from "../vfio/binding.ts";
import { describeGivenUp } from "../vfio/interrupt-safety.ts";
import { moduleNames, type StubDriver } from "../vfio/modules.ts";
import { freshNodeOwnership, groupNode } from "../vfio/nodes.ts";
import type { Grant, GrantRequest, Role } from "./grant.ts";
import { defaultLease } from "./lease.ts";
import type { Observation } from "./observe.ts";
import { withCleaning } from "./plan-cleaning.ts";
import { planLease, unplanLease } from "./plan-lease.ts";
import { planUserLimits, unplanUserLimits } from "./plan-limits.ts";
import { type GrantRecord, isInForce } from "./record.ts";
import { refuse, rolesOf } from "./refuse.ts";
import { invertAll, type Step } from "./step.ts";
import type { VfTarget } from "./vf-target.ts";

export interface GrantPlan {
  readonly grant: Grant;
  /** In the order in which they are done: access for the user comes last. */
  readonly steps: readonly Step[];
  /** What speaks against it, though it can be done. */
  readonly warnings: readonly string[];
}

const driverOf: Readonly<Record<Role, StubDriver>> = { give: "vfio-pci", hold: "pci-stub" };

/**
 * Decides what has to be done to lend the device, or refuses. Pure.
 *
 * @throws {HostdevError} the refusals of `refuse`.
 */
export function planGrant(
  observation: Observation,
  request: GrantRequest,
  origin: { readonly grantedAt: string; readonly grantedBy: string },
  vf: VfTarget | null = null,
): GrantPlan {
  const { device, group, user, records, hostMemoryBytes } = observation;
  const memoryBytes = request.memoryBytes ?? defaultMemoryBytes(memoryBudget(hostMemoryBytes, request.leaveBytes));
  refuse(observation, request, memoryBytes);
  const roles = rolesOf(observation, request);
  const grant: Grant = {
    id: freeId(device.address, records),
    device: device.address,
    user,
    endpoints: roles.flatMap(({ endpoint: { address }, role }) => {
      const identity = observation.identities.get(address);
      return identity === undefined ? [] : [{ address, role, isForced: request.force.includes(address), identity }];
    }),
    group: group.number,
    memoryBytes,
    memlockBytes: grantedBytes(memoryBytes),
    virtualFunction: vf?.granted ?? null,
    acceptsNoReset: request.acceptNoReset ?? false,
    ...origin,
    lease: { ...defaultLease, ...request.lease },
    note: request.note ?? null,
  };
  // Held mates first: from the moment the device is given, nothing else in the group is within reach.
  const bindings = (["hold", "give"] as const).flatMap((wanted) =>
    roles
      .filter(({ role }) => role === wanted)
      .flatMap(({ endpoint }) => planBinding(observation, endpoint, driverOf[wanted], request.force)),
  );
  return {
    grant,
    steps: [
      ...planModules(observation, new Set(roles.map(({ role }) => driverOf[role]))),
      ...bindings,
      ...planVfSettings(vf),
      ...planUserLimits(observation, grant.memlockBytes, records),
      ...planLease(observation, grant.lease, records),
      {
        kind: "owner",
        path: groupNode(group.number),
        from: toOwnership(observation.node ?? freshNodeOwnership),
        to: { uid: user.uid, gid: 0, mode: 0o600 },
      },
    ],
    warnings: observation.interrupts.state === "given-up" ? [describeGivenUp(observation.interrupts)] : [],
  };
}

function planVfSettings(vf: VfTarget | null): readonly Step[] {
  if (vf === null || vf.before === null) return [];
  const { granted, before } = vf;
  const to = { mac: granted.mac ?? before.mac, vlan: granted.vlan ?? before.vlan };
  if (to.mac === before.mac && to.vlan === before.vlan) return [];
  return [{ kind: "vf", physicalFunction: granted.physicalFunction, index: granted.index, from: before, to }];
}

/** The address, unless a grant that was made there has it: that device is elsewhere by now. */
function freeId(address: string, records: readonly GrantRecord[]): string {
  const isTaken = (id: string) => records.some(({ grant }) => grant.id === id);
  let id = address;
  for (let number = 2; isTaken(id); number++) id = `${address}~${number}`;
  return id;
}

/** A module that was absent before any of the grants in force belongs to all of them: the last one unloads it. */
function planModules(
  { presentModules, records, bootId, quarantines }: Observation,
  drivers: ReadonlySet<StubDriver>,
): readonly Step[] {
  const steps = records.filter((record) => isInForce(record, bootId)).flatMap((record) => record.steps);
  const loadedByUs = new Set(steps.flatMap((step) => (step.kind === "module" ? [step.module] : [])));
  if (quarantines.some(({ loadedStub }) => loadedStub)) loadedByUs.add("pci-stub");
  return moduleNames
    .filter((module) => module === "vfio_iommu_type1" || drivers.has(module))
    .filter((module) => !presentModules.includes(module) || loadedByUs.has(module))
    .map((module) => ({ kind: "module", module, from: "absent", to: "loaded" }));
}

function planBinding(
  { bindings }: Observation,
  { address }: PciFunction,
  driver: StubDriver,
  force: readonly string[],
): readonly Step[] {
  const from = bindings.get(address) ?? { driver: null, override: null };
  const to = { driver, override: driver };
  return isSameBinding(from, to) ? [] : [{ kind: "binding", address, isForced: force.includes(address), from, to }];
}

const toOwnership = ({ uid, gid, mode }: Ownership): Ownership => ({ uid, gid, mode });

/**
 * What has to be done to take a grant in force back: its steps undone, except that the user keeps the limits that his
 * other grants need, and others' leases their timer. Pure.
 *
 * @param reachable held endpoints that somebody has put in the user's reach since, and the bindings they have now: they
 * come back as if they had been given.
 */
export function planRevoke(
  record: GrantRecord,
  others: readonly GrantRecord[],
  reachable: ReadonlyMap<string, Binding> = new Map(),
): readonly Step[] {
  const undo = invertAll(record.steps).map((step) => {
    const now = step.kind === "binding" ? reachable.get(step.address) : undefined;
    if (now !== undefined) return { ...step, from: now } as Step;
    return unplanLease(step, others) ?? unplanUserLimits(step, record, others);
  });
  // A unit that another lease needs as it is stays.
  const needed = undo.filter((step) => step.kind !== "unit" || step.to !== step.from);
  return withCleaning(record.grant, needed, [...reachable.keys()]);
}
