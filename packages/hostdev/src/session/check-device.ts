// SPDX-License-Identifier: Apache-2.0
import type { GrantTarget } from "../core/error-details.ts";
import { HostdevError } from "../core/errors.ts";
import { type Finding, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { readConfigSpace } from "../pci/config-space.ts";
import { hasIommuGroups, type IommuGroup, readIommuGroup } from "../pci/iommu-group.ts";
import { type PciFunction, readPciFunction } from "../pci/pci-function.ts";
import { containerNode, groupNode } from "../vfio/nodes.ts";
import { findBlockers, isVfioDriver } from "../vfio/viability.ts";
import { type GrantNeeds, grantTarget } from "./grant-target.ts";

/**
 * Checks one device that a VM wants: is it there, sane, an endpoint with a group; is it on a vfio driver; is its
 * group viable; may the caller open the group's node.
 *
 * @param needs those of the whole VM: another one of its devices that is on its host driver is reported by its own check.
 */
export function checkDevice(host: Host, address: string, needs: GrantNeeds): readonly Finding[] {
  const target = () => grantTarget(host, address, needs); // reads the group once more: only for a failure
  const device = readPciFunction(host, address);
  if (device === undefined) {
    return [toFinding(new HostdevError("HD_DEVICE_NOT_FOUND", `There is no device ${address}`, { device: address }))];
  }
  if (device.isBridge) {
    return [toFinding(new HostdevError("HD_IS_BRIDGE", `Cannot assign ${address}: it is a bridge`, { address }))];
  }
  const group = device.group === null ? undefined : readIommuGroup(host, device.group);
  if (group === undefined) {
    const details = { address, anyGroups: hasIommuGroups(host) };
    return [
      toFinding(new HostdevError("HD_NO_IOMMU_GROUP", `Cannot assign ${address}: it has no IOMMU group`, details)),
    ];
  }
  return [
    ...checkSanity(host, device),
    checkDriver(device, target),
    ...checkViability(group, address, needs.hostDevices, target),
    checkNode(host, group, target),
  ];
}

function checkSanity(host: Host, { address }: PciFunction): readonly Finding[] {
  if (readConfigSpace(host, address)?.responds !== false) return [];
  return [toFinding(new HostdevError("HD_DEVICE_INSANE", `${address} does not answer (all ones)`, { address }))];
}

function checkDriver({ address, driver }: PciFunction, target: () => GrantTarget): Finding {
  if (isVfioDriver(driver)) return ok(`${address} is bound to ${driver}`);
  const state = driver === null ? "bound to no driver" : `bound to ${driver}`;
  const message = `Cannot assign ${address}: it is ${state}, not to vfio-pci`;
  return toFinding(new HostdevError("HD_NOT_ON_VFIO", message, { ...target(), driver }));
}

function checkViability(
  group: IommuGroup,
  address: string,
  assigned: readonly string[],
  target: () => GrantTarget,
): readonly Finding[] {
  const blockers = findBlockers(group).filter((blocker) => !assigned.includes(blocker.address));
  if (blockers.length === 0) return [ok(`IOMMU group ${group.number} has no other device with a host driver`)];
  const names = blockers.map((blocker) => `${blocker.address} is bound to ${blocker.driver}`).join(", ");
  const message = `Cannot assign ${address}: IOMMU group ${group.number} is not viable, ${names}`;
  return [toFinding(new HostdevError("HD_GROUP_NOT_VIABLE", message, { ...target(), group: group.number, blockers }))];
}

function checkNode(host: Host, group: IommuGroup, target: () => GrantTarget): Finding {
  const path = groupNode(group.number);
  const node = host.status(path);
  if (node === undefined) {
    const message = `Cannot open IOMMU group ${group.number}: there is no ${path}, since none of its devices is on vfio-pci`;
    return toFinding(new HostdevError("HD_NODE_MISSING", message, { ...target(), path }));
  }
  if (!host.canAccess(path, "read-write")) {
    const owner = `${node.uid}:${node.gid}`;
    const mode = node.mode.toString(8).padStart(4, "0");
    const message = `Cannot open ${path}: it belongs to ${owner}, mode ${mode}`;
    return toFinding(new HostdevError("HD_NODE_NOT_ACCESSIBLE", message, { ...target(), path, owner, mode }));
  }
  const errno = host.tryOpen(path);
  if (errno === undefined) return ok(`${path} is yours to open`);
  if (errno === "EBUSY")
    return toFinding(new HostdevError("HD_NODE_BUSY", `${path} is open in another process`, { path }));
  const message = `Cannot open ${path} although owner and mode allow it (${errno})`;
  return toFinding(new HostdevError("HD_NODE_FORBIDDEN", message, { path, errno }));
}

/** Checks that the caller may open the container, which QEMU needs beside any group. */
export function checkContainer(host: Host): Finding {
  if (host.canAccess(containerNode, "read-write")) return ok(`${containerNode} is accessible`);
  const mode = host.status(containerNode)?.mode.toString(8).padStart(4, "0") ?? null;
  const state = mode === null ? "it does not exist" : `its mode is ${mode}`;
  const message = `Cannot open ${containerNode}: ${state}`;
  return toFinding(new HostdevError("HD_CONTAINER_NOT_ACCESSIBLE", message, { path: containerNode, mode }));
}
