// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { Host } from "../../core/host.ts";
import { cpusOfVcpu, pinNewThread, readAffinity, toCpuMap } from "../affinity.ts";
import { plugVcpu, unplugVcpu, type VcpuSlot, vcpuSlots } from "../hotplug/vcpus.ts";
import type { LiveVm } from "../live-vm.ts";
import { parseCpuSet } from "../machine/cpu-topology.ts";
import type { Impact, SessionDomain } from "../session-api.ts";
import type { ClientHandlers } from "./client.ts";
import { findDomain } from "./domain-reference.ts";
import { impactOf } from "./domain-state.ts";
import { countGuestVcpus, setGuestVcpuCount } from "./guest-vcpus.ts";
import {
  checkFlags,
  configUnsupported,
  invalidArgument,
  invalidState,
  operationTimeout,
  operationUnsupported,
} from "./libvirt-errors.ts";

/** `VIR_DOMAIN_VCPU_*`; 1 is live, 2 the definition. */
const flag = { maximum: 4, guest: 8, hotpluggable: 16 } as const;

/** How many processors a domain has, and their state. */
export const domainCpuHandlers: ClientHandlers = {
  domainGetMaxVcpus: ({ session }, { domain }) => ({ number: count(findDomain(session, domain), true, true) }),
  domainGetVcpusFlags: async ({ host, session }, { domain, flags }) => {
    checkFlags(flags, 3 | flag.maximum | flag.guest);
    const found = findDomain(session, domain);
    if ((flags & flag.guest) !== 0) {
      return { number: await countGuestVcpus(host, found, (flags & flag.maximum) !== 0) };
    }
    const isInactive = requireSide(found, flags & 3) === "config";
    return { number: count(found, isInactive, (flags & flag.maximum) !== 0) };
  },
  domainGetVcpus: async ({ host, session }, { domain, maxInfo, mapBytes }) => {
    if (maxInfo < 0 || mapBytes < 0 || maxInfo * mapBytes > 8_388_608)
      throw invalidArgument("maxinfo * maplen is too large");
    const found = findDomain(session, domain);
    requireSide(found, 1);
    const vcpus = (await found.vcpus()).slice(0, maxInfo);
    const maps = vcpus.map(({ thread }) => toCpuMap(readAffinity(host, found.pid ?? 0, thread), mapBytes));
    return { vcpus, cpuMaps: Buffer.concat(maps) };
  },
  domainSetVcpus: ({ host, session }, { domain, vcpus }) => setVcpus(host, findDomain(session, domain), vcpus, "live"),
  domainSetVcpusFlags: ({ host, session }, { domain, vcpus, flags }) => {
    checkFlags(flags, 3 | flag.maximum | flag.guest | flag.hotpluggable);
    const found = findDomain(session, domain);
    if ((flags & flag.guest) !== 0) return setGuestVcpuCount(host, found, vcpus);
    const impact = impactOf(flags & 3);
    return (flags & flag.maximum) === 0 ? setVcpus(host, found, vcpus, impact) : setMaximum(found, vcpus, impact);
  },
  domainSetVcpu: async ({ host, session }, { domain, vcpus, state, flags }) => {
    checkFlags(flags, 3);
    const numbers = parseCpuSet(vcpus);
    if (numbers.length === 0 || numbers.some(Number.isNaN))
      throw invalidArgument(`cannot parse the vcpu list '${vcpus}'`);
    await findDomain(session, domain).change("change the CPUs of", impactOf(flags), {
      live: (vm) => switchVcpus(host, vm, numbers, state !== 0),
      config: () => {
        throw operationUnsupported("vcpus of a definition cannot be switched one by one; change their number");
      },
    });
  },
};

/** Which side of a domain a query is for. @throws {HostdevError} libvirt's error when it has no such side. */
export function requireSide(domain: SessionDomain, flags: number): "live" | "config" {
  if ((flags & 1) !== 0 && !domain.isActive) throw invalidState("domain is not running");
  if ((flags & 2) !== 0 && !domain.isPersistent)
    throw invalidState("transient domains do not have any persistent config");
  return flags === 2 || !domain.isActive ? "config" : "live";
}

function count(domain: SessionDomain, inactive: boolean, isMaximum: boolean): number {
  const { vcpu } = domain.model({ inactive });
  const maximum = vcpu?.count ?? 1;
  return isMaximum ? maximum : (vcpu?.current ?? maximum);
}

function tooMany(side: string, wanted: number, maximum: number) {
  const text = `requested vcpus is greater than max allowable vcpus for the ${side} domain: ${wanted} > ${maximum}`;
  return invalidArgument(text);
}

function setVcpus(host: Host, domain: SessionDomain, wanted: number, impact: Impact): Promise<void> {
  const check = (side: string, maximum: number) => {
    if (wanted > maximum) throw tooMany(side, wanted, maximum);
  };
  return domain.change("change the CPUs of", impact, {
    live: async (vm) => {
      check("live", vm.domain.vcpu?.count ?? 1);
      await plugUpTo(host, vm, wanted);
    },
    config: ({ vcpu }) => {
      if (vcpu === undefined) return;
      check("persistent", vcpu.count);
      if (wanted === vcpu.count) delete vcpu.current;
      else vcpu.current = wanted;
    },
  });
}

function setMaximum(domain: SessionDomain, wanted: number, impact: Impact): Promise<void> {
  return domain.change("change the maximum of CPUs of", impact, {
    live: () => {
      throw invalidArgument("maximum vcpu count of a live domain can't be modified");
    },
    config: ({ vcpu }) => {
      if (vcpu === undefined) return;
      const current = Math.min(vcpu.current ?? vcpu.count, wanted);
      vcpu.count = wanted;
      if (current === wanted) delete vcpu.current;
      else vcpu.current = current;
    },
  });
}

/** Processors of the start cannot go: what was plugged in last goes first. */
async function plugUpTo(host: Host, vm: LiveVm, wanted: number): Promise<void> {
  const slots = await vcpuSlots(vm);
  const plugged = slots.filter(({ isPlugged }) => isPlugged);
  if (wanted > plugged.length) {
    const free = slots.filter(({ isPlugged }) => !isPlugged);
    for (const slot of free.slice(0, wanted - plugged.length)) await plug(host, vm, slot);
    return;
  }
  const leaving = plugged.flatMap(({ alias }) => (alias === undefined ? [] : [alias])).reverse();
  if (leaving.length < plugged.length - wanted) {
    throw configUnsupported("failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count");
  }
  for (const alias of leaving.slice(0, plugged.length - wanted)) await unplug(vm, alias);
}

async function switchVcpus(host: Host, vm: LiveVm, numbers: readonly number[], isOn: boolean): Promise<void> {
  const slots = await vcpuSlots(vm);
  for (const number of numbers) {
    const slot: VcpuSlot | undefined = slots[number];
    if (slot === undefined) throw invalidArgument(`vcpu '${number}' is not present in the domain`);
    if (slot.isPlugged === isOn) throw invalidArgument(`vcpu '${number}' is already in requested state`);
    if (isOn) await plug(host, vm, slot);
    else if (slot.alias === undefined) throw operationUnsupported(`vcpu '${number}' can't be unplugged`);
    else await unplug(vm, slot.alias);
  }
}

async function plug(host: Host, vm: LiveVm, slot: VcpuSlot): Promise<void> {
  await plugVcpu(vm, slot);
  const cpus = await vm.process.execute("query-cpus-fast");
  const thread = cpus.find(({ "cpu-index": number }) => number === slot.number)?.["thread-id"];
  if (thread !== undefined) await pinNewThread(host, vm.domain, thread, cpusOfVcpu(vm.domain, slot.number));
}

async function unplug(vm: LiveVm, alias: string): Promise<void> {
  if (await unplugVcpu(vm, alias)) return;
  const text = "vcpu unplug request timed out. Unplug result must be manually inspected in the domain";
  throw operationTimeout(text);
}
