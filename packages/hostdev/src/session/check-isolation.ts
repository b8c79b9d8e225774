// SPDX-License-Identifier: Apache-2.0

/** What VFIO and the IOMMU may refuse though binding and nodes are as they should be. */
import { HostdevError } from "../core/errors.ts";
import { type Finding, note, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { formatSize, GiB } from "../core/units.ts";
import { findController } from "../domain/controllers.ts";
import type { Domain } from "../domain/domain.ts";
import { memoryBytes } from "../domain/facts.ts";
import { chipsetOf } from "../domain/machine.ts";
import { formatPciAddress } from "../pci/address.ts";
import { readGroupDetails } from "../pci/group-details.ts";
import { type PciFunction, readPciFunction } from "../pci/pci-function.ts";
import { readSriov } from "../pci/sriov.ts";
import { pciDevices, readAttribute } from "../pci/sysfs.ts";
import { describeGivenUp, interruptsRefused, readInterruptSafety } from "../vfio/interrupt-safety.ts";
import { isVfioDriver } from "../vfio/viability.ts";

/** Checks what the devices of a VM depend on besides drivers and nodes. Touches: reads sysfs. Needs: nothing. */
export function checkIsolation(host: Host, domain: Domain, assigned: readonly string[]): readonly Finding[] {
  const functions = assigned.flatMap((address) => readPciFunction(host, address) ?? []);
  return [
    ...checkInterrupts(host, functions),
    ...functions.flatMap((device) => [
      ...checkReserved(host, device),
      ...checkWidth(host, domain, device),
      ...checkToken(host, device),
      ...notes(host, device),
    ]),
    ...checkAddressSpaces(domain, functions),
  ];
}

/** Of the whole machine; without an IOMMU it is beside the point. What is remapped, or may be, is not worth a word. */
function checkInterrupts(host: Host, functions: readonly PciFunction[]): readonly Finding[] {
  const device = functions.find(({ group }) => group !== null);
  if (device === undefined) return [];
  const safety = readInterruptSafety(host);
  if (safety.state === "refused") return [toFinding(interruptsRefused(`Cannot assign ${device.address}`, safety))];
  if (safety.state === "safe") return [];
  const details = { switch: "allow_unsafe_interrupts" };
  return [toFinding(new HostdevError("HD_UNSAFE_SWITCH", describeGivenUp(safety), details), "warning")];
}

/** Memory that the firmware goes on reading and writing by the device (RMRR): the kernel attaches no such device. */
function checkReserved(host: Host, { address, group }: PciFunction): readonly Finding[] {
  const regions = group === null ? [] : readGroupDetails(host, group).reservedRegions;
  const direct = regions.find(({ type }) => type === "direct");
  if (direct === undefined) return [];
  const message = `Cannot assign ${address}: the firmware keeps using it by DMA (${direct.start}-${direct.end})`;
  return [
    toFinding(new HostdevError("HD_FIRMWARE_RESERVED", message, { address, start: direct.start, end: direct.end })),
  ];
}

/** Guest memory is mapped at its guest addresses, and an IOMMU takes only so many bits of them. */
function checkWidth(host: Host, domain: Domain, { address }: PciFunction): readonly Finding[] {
  const text = readAttribute(host, `${pciDevices}/${address}/iommu/intel-iommu/cap`);
  if (text === undefined || !/^[0-9a-f]{1,16}$/.test(text)) return [];
  // Maximum guest address width: bits 16 to 21 of the capability register, less one (VT-d specification 11.4.2).
  const bits = Number((BigInt(`0x${text}`) >> 16n) & 0x3fn) + 1;
  const topBytes = highestAddress(domain);
  if (topBytes <= 2 ** bits) return [];
  const message = `Cannot assign ${address}: its IOMMU has addresses of ${bits} bits, ${formatSize(2 ** bits)}, and the guest's memory goes up to ${formatSize(topBytes)}`;
  return [toFinding(new HostdevError("HD_IOMMU_TOO_NARROW", message, { address, bits, topBytes }))];
}

/** Where the guest's memory ends: what has no room below the hole under 4 GiB goes above it. QEMU: pc_memory_init. */
function highestAddress(domain: Domain): number {
  const bytes = Math.max(memoryBytes(domain), (domain.maxMemory?.memoryKiB ?? 0) * 1024);
  const [full, split] = chipsetOf(domain) === "q35" ? [0xb0000000, 0x80000000] : [0xe0000000, 0xc0000000];
  return bytes < full ? bytes : 4 * GiB + (bytes - split);
}

/** A function whose sibling of the same SR-IOV family is in user hands too is opened only with a secret of the PF's. */
function checkToken(host: Host, { address, driver, physicalFunction }: PciFunction): readonly Finding[] {
  const parent = physicalFunction === null ? undefined : readPciFunction(host, physicalFunction);
  const sriov = readSriov(host, address);
  const hasLiveVfs = sriov?.role === "physical" && sriov.numVfs > 0 && isVfioDriver(driver);
  if (!(parent !== undefined && isVfioDriver(parent.driver)) && !hasLiveVfs) return [];
  const details = { address, physicalFunction: physicalFunction ?? address };
  const why = hasLiveVfs ? "it has virtual functions" : `its physical function ${physicalFunction} is on vfio-pci too`;
  return [toFinding(new HostdevError("HD_VF_TOKEN", `Cannot assign ${address}: ${why}`, details))];
}

function notes(host: Host, { address, isBootVga }: PciFunction): readonly Finding[] {
  const found: Finding[] = [];
  if (isBootVga) {
    found.push(
      note(
        `${address} shows the host's console: its ROM is often unreadable then; if the guest's screen stays dark, give it one by <rom file='...'/>`,
      ),
    );
  }
  const methods = readAttribute(host, `${pciDevices}/${address}/reset_method`);
  if (methods === "") found.push(note(`${address} cannot be reset: the guest gets it as the last one left it`));
  return found;
}

/** With an IOMMU in the guest, each of its PCI Express devices has addresses of its own; a group has one space. */
function checkAddressSpaces(domain: Domain, functions: readonly PciFunction[]): readonly Finding[] {
  if (domain.devices.iommu === undefined) return [];
  const spaces = new Map<number, Map<string, string>>();
  for (const device of [...domain.devices.hostDevices, ...domain.devices.interfaces]) {
    if (device.type !== "pci" && device.type !== "hostdev") continue;
    const { domain: segment, bus, device: slot, function: fn } = device.source.address;
    const name = formatPciAddress({ domain: segment, bus, device: slot, function: fn });
    const group = functions.find((one) => one.address === name)?.group ?? null;
    if (group === null || device.address?.type !== "pci") continue;
    const place = device.address;
    const isConventional = findController(domain, "pci", place.bus)?.model?.includes("pci-bridge") === true;
    const space = isConventional ? `bus ${place.bus}` : `${place.bus}:${place.device}.${place.function}`;
    const known = spaces.get(group) ?? new Map<string, string>();
    spaces.set(group, known.set(space, name));
  }
  return [...spaces].flatMap(([group, places]) => {
    if (places.size < 2) return [];
    const addresses = [...places.values()];
    const message = `Cannot assign ${addresses.join(" and ")} apart: they are of one IOMMU group, ${group}, and the guest has an IOMMU`;
    return [toFinding(new HostdevError("HD_GROUP_SPLIT", message, { group, addresses }))];
  });
}
