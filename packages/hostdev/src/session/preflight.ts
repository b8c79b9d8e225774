// SPDX-License-Identifier: Apache-2.0
import type { GrantTarget } from "../core/error-details.ts";
import { HostdevError } from "../core/errors.ts";
import { type Finding, note, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { formatSize, KiB, MiB } from "../core/units.ts";
import { findUser } from "../core/users.ts";
import { describeLimit, isAtLeast, readMemlock } from "../memlock/limit.ts";
import { describeRequirement } from "../memlock/requirement.ts";
import { readPciFunction } from "../pci/pci-function.ts";
import { checkContainer, checkDevice } from "./check-device.ts";
import type { NeededFile, VmNeeds } from "./vm-needs.ts";

/**
 * Checks, as the caller and for this VM, whether it will start, and reports everything at once.
 *
 * The limit that counts is that of the process that starts QEMU: this one.
 * Touches: reads sysfs and proc; opens and closes the group nodes. Needs: nothing.
 */
export async function preflight(host: Host, needs: VmNeeds): Promise<readonly Finding[]> {
  const user = (await findUser(host, host.self.uid))?.name ?? String(host.self.uid);
  const target = (address: string): GrantTarget => ({ address, user, memoryMiB: Math.ceil(needs.memoryBytes / MiB) });
  const assigned = [...new Set(needs.hostDevices)];
  // Without an IOMMU the container and the limit are beside the point.
  const lendable = assigned.find((address) => (readPciFunction(host, address)?.group ?? null) !== null);
  return [
    checkEmulator(host, needs.emulator),
    ...(needs.isKvm ? [checkKvm(host, user)] : []),
    ...needs.files.map((file) => checkFile(host, file)),
    ...assigned.flatMap((address) => checkDevice(host, target(address), assigned)),
    ...(lendable === undefined ? [] : [checkContainer(host), ...checkMemlock(host, needs, target(lendable))]),
    checkMemory(host, needs.memoryBytes),
  ];
}

function checkEmulator(host: Host, emulator: string): Finding {
  const path = host.realPath(emulator);
  if (path !== undefined && host.canAccess(path, "read")) return ok(`QEMU is ${emulator}`);
  return toFinding(new HostdevError("HD_QEMU_NOT_FOUND", `There is no QEMU at ${emulator}`, { binary: emulator }));
}

function checkKvm(host: Host, user: string): Finding {
  const path = "/dev/kvm";
  if (host.canAccess(path, "read-write")) return ok("/dev/kvm is accessible");
  const state = host.status(path) === undefined ? "there is none" : `${user} may not open it`;
  return toFinding(new HostdevError("HD_KVM_NOT_ACCESSIBLE", `Cannot use ${path}: ${state}`, { path, user }));
}

function checkFile(host: Host, { path, access, what }: NeededFile): Finding {
  if (host.canAccess(path, access)) return ok(`${what}: ${path}`);
  const isThere = host.realPath(path) !== undefined;
  const errno = isThere ? "EACCES" : "ENOENT";
  const state = isThere ? `you may not ${access === "read" ? "read" : "write"} it` : "it does not exist";
  return toFinding(
    new HostdevError("HD_FILE", `Cannot use ${path} (${what}): ${state}`, { path, operation: access, errno }),
  );
}

function checkMemlock(host: Host, { memlock }: VmNeeds, target: GrantTarget): readonly Finding[] {
  const limit = readMemlock(host, host.self.pid);
  if (limit === undefined) return [];
  const need = describeRequirement(memlock);
  if (!isAtLeast(limit.hardBytes, memlock.bytes)) {
    const message = `Cannot lock the guest's memory: the limit is ${describeLimit(limit.hardBytes)}, but ${need} are needed`;
    const details = { ...target, hardBytes: limit.hardBytes, requiredBytes: memlock.bytes };
    return [toFinding(new HostdevError("HD_MEMLOCK_TOO_LOW", message, details))];
  }
  const passed = ok(`memlock: ${describeLimit(limit.hardBytes)} allowed, ${need} needed`);
  if (isAtLeast(limit.softBytes, memlock.bytes)) return [passed];
  return [passed, note(`The soft memlock limit, ${describeLimit(limit.softBytes)}, is raised for QEMU at the start`)];
}

function checkMemory(host: Host, memoryBytes: number): Finding {
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(host.readText("/proc/meminfo") ?? "");
  const availableBytes = match === null ? Number.POSITIVE_INFINITY : Number(match[1]) * KiB;
  if (memoryBytes <= availableBytes)
    return ok(`memory: ${formatSize(memoryBytes)} of the host's ${formatSize(availableBytes)} available`);
  const message = `The host has ${formatSize(availableBytes)} of memory available, and the VM wants ${formatSize(memoryBytes)}`;
  return toFinding(
    new HostdevError("HD_MEMORY_SHORT", message, { requestedBytes: memoryBytes, availableBytes }),
    "warning",
  );
}
