// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../../core/errors.ts";
import type { Finding } from "../../core/finding.ts";
import type { Host } from "../../core/host.ts";
import { diskAlias } from "../../domain/aliases.ts";
import { controllersOf, findController } from "../../domain/controllers.ts";
import type { Domain } from "../../domain/domain.ts";
import { formatDomain, placeDevices, readDomain } from "../../domain/parse.ts";
import { describeLimit, readMemlock } from "../../memlock/limit.ts";
import { describeRequirement } from "../../memlock/requirement.ts";
import { formatPciAddress } from "../../pci/address.ts";
import { readPciFunction } from "../../pci/pci-function.ts";
import { comesLater } from "../../qemu/arguments/tap.ts";
import { assertQueuesFit } from "../../qemu/queue-limits.ts";
import { invalid, unsupported } from "../../xml/complaint.ts";
import { lendTap } from "../bridge-cards.ts";
import { checkAssignedInterfaces } from "../check-assigned-interfaces.ts";
import { checkBridges } from "../check-bridges.ts";
import { checkContainer, checkDevice } from "../check-device.ts";
import { checkHelpers } from "../check-helpers.ts";
import { checkImageLocks } from "../check-image-locks.ts";
import { checkOtherDevices } from "../check-other-devices.ts";
import type { DomainRun } from "../domain-run.ts";
import { grantTarget } from "../grant-target.ts";
import { startHelpers } from "../helpers.ts";
import { fillHostDriver } from "../live-defaults.ts";
import { parseOptions } from "../parse-for-host.ts";
import { launchEnvironment, vmNeeds } from "../plan-launch.ts";
import { guestDeviceExists } from "../session-errors.ts";
import { locateUsbDevice } from "../usb-devices.ts";
import { raiseSoftLimit } from "../vm-process.ts";
import { type PlugCommand, plugCommands } from "./commands.ts";
import { addTo, describe, findLike, freeAlias, type Pluggable, readDevice } from "./device-xml.ts";
import { highestNode } from "./nodes.ts";

const hotBuses = ["virtio", "scsi", "usb"];

/**
 * Plugs a device into a running guest: a free place for it, the limit on locked memory, then QEMU.
 *
 * After a failure: nothing of it is in QEMU; the soft limit may stay raised.
 * @returns the alias that it got.
 * @throws {HostdevError} `HD_GUEST_DEVICE_EXISTS`; `HD_DOMAIN_INVALID` when there is no place; what
 * `preflight` finds of a host device, `HD_MEMLOCK_TOO_LOW`; `HD_QMP_COMMAND` with QEMU's words.
 */
export async function attach(host: Host, { vm, directory }: DomainRun, xml: string): Promise<string> {
  const added = readDevice(xml);
  if (added.list === "hostDevices" && added.device.type === "usb") locateUsbDevice(host, added.device);
  const { domain } = vm;
  if (findLike(domain, added) !== undefined) throw guestDeviceExists(domain.name, describe(added));
  assertPluggable(added);
  await assertAvailable(host, domain, added); // before its place, as libvirt: that takes an administrator
  const after = placed(host, domain, added);
  await assertLockable(host, after, added, vm.process.identity.pid);
  const environment = await launchEnvironment(host, domain, directory);
  assertQueuesFit(after, environment.capabilities.version);
  const taken = await highestNode(vm.process);
  const commands = plugCommands(after, added, environment, taken);
  const done: PlugCommand[] = [];
  try {
    await startHelpers(host, onlyWith(after, added), directory);
    if (added.list === "interfaces" && comesLater(environment, added.device))
      await lendTap(host, vm.process, added.device);
    for (const command of commands) {
      await vm.process.execute(command.execute, command.arguments, 60_000); // devices are reset, memory is pinned
      done.push(command);
    }
  } catch (error) {
    for (const { undo } of done.reverse()) await vm.process.execute(undo.execute, undo.arguments).catch(() => {});
    throw error;
  }
  addTo(domain, added);
  if (added.list !== "disks") fillHostDriver(added.device);
  if (added.list === "disks" && added.device.source !== undefined) added.device.source.index = taken + 1;
  return added.device.alias ?? "";
}

function assertPluggable({ list, device }: Pluggable): void {
  if (list === "disks" && !hotBuses.includes(device.target.bus ?? "virtio"))
    throw unsupported(device, `bus ${device.target.bus} has no hot-plugging`, "bus virtio, scsi or usb");
  if (device.address?.type === "pci" && device.address.function !== 0)
    throw invalid(device.address, "only function 0 of a slot can be plugged in");
}

/** The domain with the device at its place, while all that is there stays where it is. */
function placed(host: Host, domain: Domain, added: Pluggable): Domain {
  const { list, device } = added;
  const after = readDomain(formatDomain(domain, "live"));
  addTo(after, added);
  placeDevices(after, parseOptions(host));
  if (after.devices.controllers.length > domain.devices.controllers.length) {
    const extra = after.devices.controllers.filter(
      ({ type, index = 0 }) => findController(domain, type, index) === undefined,
    );
    // A conventional device wants a bridge, and that a port of its own: the device's is what is told.
    const bus = device.address?.type === "pci" ? device.address.bus : undefined;
    const lacking = extra.find(({ type, index }) => type === "pci" && index === bus) ?? extra[0];
    const what = lacking?.type === "pci" ? `free ${lacking.model}` : `${lacking?.type} controller`;
    throw invalid(device, `the guest has no ${what} for it; give the definition one more for the next start`);
  }
  assertHotPluggable(after, added);
  if (list === "disks") device.alias ??= diskAlias(after, device);
  else device.alias ??= freeAlias(after, list === "hostDevices" || device.type === "hostdev" ? "hostdev" : "net");
  return after;
}

function assertHotPluggable(after: Domain, { device }: Pluggable): void {
  if (device.address?.type !== "pci") return;
  const { bus } = device.address;
  const model = controllersOf(after, "pci").find(({ index = 0 }) => index === bus)?.model;
  if (model === "pcie-root" || model === "dmi-to-pci-bridge")
    throw invalid(device.address, `the ${model} with index ${bus} has no hot-plugging`);
}

/** What would be found before a start, for this one device. */
async function assertAvailable(host: Host, domain: Domain, added: Pluggable): Promise<void> {
  const alone = onlyWith(domain, added);
  const findings = [
    ...checkAddress(host, domain, hostAddress(added)),
    ...(await checkAssignedInterfaces(host, alone)),
    ...(await checkBridges(host, alone)),
    ...(await checkHelpers(host, alone)),
    ...checkImageLocks(host, alone),
    ...checkOtherDevices(host, alone),
  ];
  const failure = findings.find(({ level }) => level === "failure");
  if (failure?.code === undefined) return;
  throw new HostdevError(failure.code, failure.text, failure.details as never);
}

/** The domain as if it had nothing but this device. */
function onlyWith(domain: Domain, { list, device }: Pluggable): Domain {
  const none = { disks: [], interfaces: [], hostDevices: [], filesystems: [], tpms: [] };
  return { ...domain, devices: { ...domain.devices, ...none, [list]: [device] } } as Domain;
}

function checkAddress(host: Host, domain: Domain, address: string | undefined): readonly Finding[] {
  if (address === undefined) return [];
  const { hostDevices: assigned, memoryBytes } = vmNeeds(domain);
  const group = readPciFunction(host, address)?.group;
  // Its QEMU has the group open already when it has another device of it.
  const isOurs = assigned.some((other) => (readPciFunction(host, other)?.group ?? null) === group);
  const findings = [
    ...checkDevice(host, address, { hostDevices: [...assigned, address], memoryBytes }),
    checkContainer(host),
  ];
  return findings.filter(({ code }) => !(isOurs && code === "HD_NODE_BUSY"));
}

function hostAddress({ list, device }: Pluggable): string | undefined {
  if (list === "hostDevices" && device.type === "pci") return formatPciAddress(device.source.address);
  if (list === "interfaces" && device.type === "hostdev") return formatPciAddress(device.source.address);
  return undefined;
}

async function assertLockable(host: Host, after: Domain, added: Pluggable, pid: number): Promise<void> {
  const address = hostAddress(added);
  if (address === undefined) return;
  const needs = vmNeeds(after);
  const { memlock } = needs;
  if (await raiseSoftLimit(host, pid, memlock.bytes)) return;
  const hardBytes = readMemlock(host, pid)?.hardBytes ?? null;
  const need = describeRequirement(memlock);
  const message = `Cannot plug ${address} in: QEMU (process ${pid}) may lock ${describeLimit(hardBytes)}, and ${need} are needed`;
  throw new HostdevError("HD_MEMLOCK_TOO_LOW", message, {
    ...grantTarget(host, address, needs),
    hardBytes,
    requiredBytes: memlock.bytes,
  });
}
