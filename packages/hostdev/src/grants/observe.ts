// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { FileStatus, Host } from "../core/host.ts";
import { KiB } from "../core/units.ts";
import { requireOrdinaryUser, type User } from "../core/users.ts";
import { type ProcessLimit, readUserMemlocks } from "../memlock/limit.ts";
import { loginLimitsPath, managerLimitsPath } from "../memlock/login-limits.ts";
import { readConfigSpace } from "../pci/config-space.ts";
import { enumerateFunctions, findFunction } from "../pci/enumerate.ts";
import { type FunctionIdentity, readFunctionIdentity } from "../pci/identity.ts";
import { endpointsOf, hasIommuGroups, type IommuGroup, readIommuGroup } from "../pci/iommu-group.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { canResetAlone } from "../pci/reset-methods.ts";
import { readUsage } from "../usage/read-usage.ts";
import type { Use } from "../usage/use.ts";
import { type Binding, readBinding } from "../vfio/binding.ts";
import { type InterruptSafety, readInterruptSafety } from "../vfio/interrupt-safety.ts";
import { isModulePresent, type ModuleName, moduleNames } from "../vfio/modules.ts";
import { groupNode } from "../vfio/nodes.ts";
import type { GrantRequest } from "./grant.ts";
import { leaseServicePath, leaseTimerPath } from "./lease-units.ts";
import { type ForeignProgram, findForeignProgram } from "./own-program.ts";
import { type Quarantine, readQuarantines } from "./quarantine.ts";
import type { GrantRecord } from "./record.ts";
import { readBootId, readRecords } from "./store.ts";
import { isSystemdRunning } from "./systemd.ts";

/** What the machine looks like, as far as a plan depends on it. */
export interface Observation {
  readonly device: PciFunction;
  readonly group: IommuGroup;
  /** Of the endpoints of the group, by address. */
  readonly bindings: ReadonlyMap<string, Binding>;
  readonly identities: ReadonlyMap<string, FunctionIdentity>;
  /** What the host uses the endpoints of the group for. */
  readonly uses: readonly Use[];
  /** What could not be read, and might tell of more uses. */
  readonly unread: readonly string[];
  readonly user: User;
  readonly records: readonly GrantRecord[];
  readonly quarantines: readonly Quarantine[];
  /** Whether the device answers at all. sysfs cannot tell: what it says of ids was read when the device was found. */
  readonly responds: boolean;
  /** Endpoints of the group that cannot be reset alone. */
  readonly withoutReset: ReadonlySet<string>;
  readonly interrupts: InterruptSafety;
  readonly bootId: string;
  readonly presentModules: readonly ModuleName[];
  readonly node: FileStatus | undefined;
  /** The user's running processes. */
  readonly limits: readonly ProcessLimit[];
  /** The files that a grant may write, by path; `null`: absent. */
  readonly files: ReadonlyMap<string, string | null>;
  readonly hasSystemd: boolean;
  /** The words that start `hostdev-admin`. */
  readonly program: readonly string[];
  /** What of it somebody other than root can change. */
  readonly foreignProgram: ForeignProgram | undefined;
  readonly hostMemoryBytes: number;
}

/**
 * Reads all that a plan for this request depends on.
 *
 * Touches: reads sysfs, proc, our records. Needs: root, for other users' processes.
 * @throws {HostdevError} for a device or user that is not there, a bridge, a device without a group.
 */
export async function observe(host: Host, request: GrantRequest): Promise<Observation> {
  const device = findFunction(host, request.device);
  if (device.isBridge) {
    throw new HostdevError("HD_IS_BRIDGE", `Cannot lend ${device.address}: it is a bridge`, {
      address: device.address,
    });
  }
  if (device.isPlatform) {
    const message = `Cannot lend ${device.address}: the machine itself is made of it (class ${device.classCode.toString(16).padStart(6, "0")})`;
    throw new HostdevError("HD_IS_PLATFORM", message, { address: device.address });
  }
  const group = device.group === null ? undefined : readIommuGroup(host, device.group);
  if (group === undefined) {
    const message = `Cannot lend ${device.address}: it has no IOMMU group`;
    throw new HostdevError("HD_NO_IOMMU_GROUP", message, { address: device.address, anyGroups: hasIommuGroups(host) });
  }
  const user = await requireOrdinaryUser(host, request.user);
  const endpoints = endpointsOf(group).map(({ address }) => address);
  const { uses, unread } = readUsage(host, enumerateFunctions(host));
  return {
    device,
    group,
    bindings: new Map(endpoints.map((address) => [address, readBinding(host, address)])),
    identities: readIdentities(host, endpoints),
    uses: uses.filter(({ address }) => group.members.some((member) => member.address === address)),
    unread,
    user,
    records: readRecords(host),
    quarantines: readQuarantines(host),
    responds: readConfigSpace(host, device.address)?.responds !== false,
    withoutReset: new Set(endpointsOf(group).flatMap(({ address }) => (canResetAlone(host, address) ? [] : [address]))),
    interrupts: readInterruptSafety(host),
    bootId: readBootId(host),
    presentModules: moduleNames.filter((module) => isModulePresent(host, module)),
    node: host.status(groupNode(group.number)),
    limits: readUserMemlocks(host, user.uid),
    files: new Map(ownFiles(user).map((path) => [path, host.readText(path) ?? null])),
    hasSystemd: isSystemdRunning(host),
    program: host.self.program,
    foreignProgram: findForeignProgram(host),
    hostMemoryBytes: readHostMemoryBytes(host),
  };
}

function ownFiles({ uid }: User): readonly string[] {
  return [loginLimitsPath(uid), managerLimitsPath(uid), leaseServicePath, leaseTimerPath];
}

/** @throws {HostdevError} `HD_DEVICE_NOT_FOUND` for one that was pulled out just now. */
function readIdentities(host: Host, addresses: readonly string[]): ReadonlyMap<string, FunctionIdentity> {
  return new Map(
    addresses.map((address) => {
      const identity = readFunctionIdentity(host, address);
      if (identity !== undefined) return [address, identity];
      throw new HostdevError("HD_DEVICE_NOT_FOUND", `${address} is no longer there`, { device: address });
    }),
  );
}

/** The machine's memory in bytes. Needs: nothing. */
export function readHostMemoryBytes(host: Host): number {
  const match = /^MemTotal:\s+(\d+) kB/m.exec(host.readText("/proc/meminfo") ?? "");
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]) * KiB;
}
