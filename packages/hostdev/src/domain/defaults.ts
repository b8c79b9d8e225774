// SPDX-License-Identifier: Apache-2.0
import { nodeCrypto } from "../core/node-crypto.ts";
import { invalid } from "../xml/complaint.ts";
import { fillDeviceDefaults } from "./defaults/devices.ts";
import { sortDisks } from "./defaults/disks.ts";
import { addImplicitControllers } from "./defaults/implicit-controllers.ts";
import { addImplicitDevices, fillControllerDefaults } from "./defaults/implicit-devices.ts";
import type { Domain } from "./domain.ts";
import { chipsetOf, defaultMachine } from "./machine.ts";

/** What the defaults depend on beyond the XML. */
export interface DefaultOptions {
  /** What the machine types `q35` and `pc` stand for in the QEMU at hand, such as `pc-q35-7.2`. */
  readonly machineAliases?: Readonly<Record<string, string>>;
}

/**
 * Fills in, in place, everything that libvirt fills in when a domain is defined: so a guest defined by the same XML
 * sees the same machine here as there. Addresses are another step (`assignAddresses`).
 *
 * @throws {HostdevError} `HD_DOMAIN_INVALID`, `HD_DOMAIN_UNSUPPORTED` when a default depends on something wrong.
 */
export function fillDefaults(domain: Domain, options: DefaultOptions = {}): void {
  fillGeneral(domain, options);
  chipsetOf(domain);
  fillControllerDefaults(domain);
  sortDisks(domain);
  addImplicitDevices(domain);
  fillDeviceDefaults(domain);
  addImplicitControllers(domain);
}

function fillGeneral(domain: Domain, options: DefaultOptions): void {
  domain.uuid ??= nodeCrypto().randomUUID();
  if (domain.genid !== undefined) domain.genid.value ??= nodeCrypto().randomUUID();
  domain.os.type.arch ??= "x86_64";
  domain.os.type.machine ??= defaultMachine;
  const expanded = options.machineAliases?.[domain.os.type.machine];
  if (expanded !== undefined) domain.os.type.machine = expanded;
  domain.vcpu ??= { count: 1 };
  domain.vcpu.placement ??= "static";
  domain.clock ??= { offset: "utc", timers: [] };
  domain.onPoweroff ??= "destroy";
  domain.onReboot ??= "restart";
  domain.onCrash ??= "destroy";
  const perDevice = [
    ...domain.devices.disks,
    ...domain.devices.interfaces,
    ...domain.devices.hostDevices,
    ...domain.devices.redirdevs,
  ];
  const ordered = perDevice.some((device) => device.boot !== undefined);
  if (domain.os.boot.length === 0 && !ordered) domain.os.boot.push("hd");
  fillMemory(domain);
  fillIothreads(domain);
}

/** NUMA cells without numbers are numbered; memory is their sum, or what is written. libvirt: virDomainDefPostParseMemory. */
function fillMemory(domain: Domain): void {
  const cells = domain.cpu?.numa?.cells ?? [];
  for (const [index, cell] of cells.entries()) cell.id ??= index;
  cells.sort((a, b) => (a.id ?? 0) - (b.id ?? 0));
  if (cells.length > 0) {
    const devices = domain.devices.memories.reduce((sum, memory) => sum + memory.target.sizeKiB, 0);
    const initial = cells.reduce((sum, cell) => sum + cell.memoryKiB, 0);
    domain.memory = { ...domain.memory, memoryKiB: initial + devices };
  }
  if (domain.memory === undefined) {
    throw invalid(domain, "the memory size is missing; give it by <memory> or by the NUMA cells of <cpu>");
  }
  if (domain.memory.memoryKiB === 0) throw invalid(domain.memory, "a memory of 0 KiB cannot run anything");
  const current = domain.currentMemory?.memoryKiB ?? 0;
  if (current === 0 || current > domain.memory.memoryKiB) domain.currentMemory = { memoryKiB: domain.memory.memoryKiB };
}

/** As many iothreads as are asked for get numbers: first those that are listed, then the lowest free ones. */
function fillIothreads(domain: Domain): void {
  const listed = domain.iothreadIds?.list ?? [];
  const count = Math.max(domain.iothreads ?? 0, listed.length);
  if (count === 0) return;
  const used = new Set(listed.map((thread) => thread.id));
  for (let id = 1; listed.length < count; id++) if (!used.has(id)) listed.push({ id });
  domain.iothreads = count;
  domain.iothreadIds = { list: listed };
}
