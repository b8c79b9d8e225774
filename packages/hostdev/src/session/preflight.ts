// SPDX-License-Identifier: Apache-2.0
import type { ErrorDetails } from "../core/error-details.ts";
import { HostdevError } from "../core/errors.ts";
import { type Finding, note, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { unappliedSettings } from "../domain/unapplied.ts";
import { describeLimit, isAtLeast, readMemlock } from "../memlock/limit.ts";
import { describeRequirement } from "../memlock/requirement.ts";
import { readPciFunction } from "../pci/pci-function.ts";
import { knownRefusals } from "../qemu/known-refusals.ts";
import { findHolders, heldError } from "../vfio/holders.ts";
import { checkAssignedInterfaces } from "./check-assigned-interfaces.ts";
import { checkBridges } from "./check-bridges.ts";
import { checkContainer, checkDevice } from "./check-device.ts";
import { checkFiles } from "./check-files.ts";
import { checkHelpers } from "./check-helpers.ts";
import { checkImageLocks } from "./check-image-locks.ts";
import { checkIsolation } from "./check-isolation.ts";
import { checkListening } from "./check-listening.ts";
import { checkMemory } from "./check-memory.ts";
import { checkOtherDevices } from "./check-other-devices.ts";
import { checkPinning } from "./check-pinning.ts";
import { checkEmulator, probeQemu } from "./check-qemu.ts";
import { grantTarget } from "./grant-target.ts";
import type { VmNeeds } from "./vm-needs.ts";

/**
 * Checks, as the caller and for this VM, whether it will start, and reports everything at once.
 *
 * The limit that counts is that of the process that starts QEMU: this one.
 * Touches: reads sysfs and proc; opens and closes the group nodes; with `probesQemu` runs the emulator. Needs: nothing.
 *
 * @param options.probesQemu asks QEMU too whether it has all that the domain is made of (`probeQemu`).
 */
export async function preflight(
  host: Host,
  needs: VmNeeds,
  { probesQemu = false }: { readonly probesQemu?: boolean } = {},
): Promise<readonly Finding[]> {
  const { domain, emulator } = needs;
  const user = host.self.name;
  const assigned = [...new Set(needs.hostDevices)];
  const devices = await Promise.all(
    assigned
      .flatMap((address) => checkDevice(host, address, needs))
      .map((finding) => (finding.code === "HD_NODE_BUSY" ? nameHolder(host, finding) : finding)),
  );
  // Without an IOMMU the container and the limit are beside the point.
  const lendable = assigned.filter((address) => (readPciFunction(host, address)?.group ?? null) !== null);
  const qemu = checkEmulator(host, emulator);
  return [
    qemu,
    ...(needs.isKvm ? [checkKvm(host, user)] : []),
    ...(probesQemu && qemu.level === "ok" ? await probeQemu(host, emulator, domain) : []),
    ...knownRefusals(domain).map((error) => toFinding(error)),
    ...checkFiles(host, needs.files, domain),
    ...checkImageLocks(host, domain),
    ...checkPinning(host, domain),
    ...checkListening(host, domain),
    ...(await checkBridges(host, domain)),
    ...(await checkHelpers(host, domain)),
    ...(await checkAssignedInterfaces(host, domain)),
    ...devices,
    ...checkIsolation(host, domain, assigned),
    ...checkOtherDevices(host, domain),
    ...(lendable.length === 0 ? [] : [checkContainer(host), ...checkMemlock(host, needs, lendable)]),
    ...checkMemory(host, domain, lendable.length > 0),
    ...unappliedSettings(domain).map(note),
  ];
}

/** The caller sees his own processes, which are the likely ones: the node is his. */
async function nameHolder(host: Host, finding: Finding): Promise<Finding> {
  const { path } = finding.details as ErrorDetails["HD_NODE_BUSY"];
  const holders = await findHolders(host, [path]);
  return holders.length === 0 ? finding : toFinding(heldError(Number(path.split("/").pop()), holders));
}

function checkKvm(host: Host, user: string): Finding {
  const path = "/dev/kvm";
  if (host.canAccess(path, "read-write")) return ok("/dev/kvm is accessible");
  const state = host.status(path) === undefined ? "there is none" : `${user} may not open it`;
  return toFinding(new HostdevError("HD_KVM_NOT_ACCESSIBLE", `Cannot use ${path}: ${state}`, { path, user }));
}

function checkMemlock(host: Host, needs: VmNeeds, devices: readonly string[]): readonly Finding[] {
  const { memlock } = needs;
  const limit = readMemlock(host, host.self.pid);
  if (limit === undefined) return [];
  const need = describeRequirement(memlock);
  if (!isAtLeast(limit.hardBytes, memlock.bytes)) {
    const message = `Cannot lock the guest's memory: the limit is ${describeLimit(limit.hardBytes)}, but ${need} are needed`;
    // A grant that is still to be made raises the limit, too.
    const target = devices
      .map((address) => grantTarget(host, address, needs))
      .reduce((chosen, next) => (chosen.isLent ? next : chosen));
    const details = { ...target, hardBytes: limit.hardBytes, requiredBytes: memlock.bytes };
    return [toFinding(new HostdevError("HD_MEMLOCK_TOO_LOW", message, details))];
  }
  const passed = ok(`memlock: ${describeLimit(limit.hardBytes)} allowed, ${need} needed`);
  if (isAtLeast(limit.softBytes, memlock.bytes)) return [passed];
  return [passed, note(`The soft memlock limit, ${describeLimit(limit.softBytes)}, is raised for QEMU at the start`)];
}
