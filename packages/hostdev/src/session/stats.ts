// SPDX-License-Identifier: Apache-2.0

/** What is counted of a domain: in QEMU, by its monitor, and in the kernel, by proc. */
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { allBlocks, blockFields } from "./block-stats.ts";
import { hostSide, readCardCounters } from "./card-counters.ts";
import { domainState } from "./domain-state.ts";
import type { LiveVm } from "./live-vm.ts";
import { readSchedule, readTimes } from "./proc-times.ts";
import type { DomainInfo, DomainState, StatsField, StatsGroup, VcpuInfo } from "./session-api.ts";

/** The memory that a guest has now, by its balloon; QEMU's answer must not hold up a list. */
async function currentMemoryKiB(domain: Domain, vm: LiveVm | undefined): Promise<number> {
  const usual = domain.currentMemory?.memoryKiB ?? domain.memory?.memoryKiB ?? 0;
  const balloon = domain.devices.memballoon;
  if (vm === undefined || balloon === undefined || balloon.model === "none") return usual;
  const answer = await vm.process.execute("query-balloon", {}, 2000).catch(() => undefined);
  return answer === undefined ? usual : Math.floor(answer.actual / 1024);
}

/** `virDomainGetInfo`. */
export async function info(
  host: Host,
  domain: Domain,
  vm: LiveVm | undefined,
  state: DomainState,
): Promise<DomainInfo> {
  const shown = vm?.domain ?? domain;
  const times = vm === undefined ? undefined : readTimes(host, vm.process.identity.pid);
  return {
    ...state,
    maxMemoryKiB: shown.memory?.memoryKiB ?? 0,
    memoryKiB: await currentMemoryKiB(shown, vm),
    vcpus: shown.vcpu?.current ?? shown.vcpu?.count ?? 1,
    cpuTimeNs: times === undefined ? 0n : times.userNs + times.systemNs,
  };
}

/** The guest's CPUs with the threads that run them. */
export async function vcpus(host: Host, vm: LiveVm): Promise<readonly VcpuInfo[]> {
  const { pid } = vm.process.identity;
  const cpus = await vm.process.execute("query-cpus-fast");
  return cpus.map(({ "cpu-index": number, "thread-id": thread }) => {
    const times = readTimes(host, pid, thread);
    const cpuTimeNs = times === undefined ? 0n : times.userNs + times.systemNs;
    return { number, state: 1, cpuTimeNs, cpu: times?.cpu ?? -1, thread };
  });
}

/** `virConnectGetAllDomainStats`, for one domain. */
export async function stats(
  host: Host,
  domain: Domain,
  vm: LiveVm | undefined,
  state: DomainState,
  groups: readonly StatsGroup[],
): Promise<readonly StatsField[]> {
  const shown = vm?.domain ?? domain;
  const makers: Readonly<Record<StatsGroup, () => Promise<StatsField[]> | StatsField[]>> = {
    state: () => [int("state.state", state.state), int("state.reason", state.reason)],
    cpu: () => cpuFields(host, vm),
    balloon: () => balloonFields(host, shown, vm),
    vcpu: () => vcpuFields(host, shown, vm),
    interface: () => interfaceFields(host, shown, vm),
    block: async () => blockFields(host, shown, vm === undefined ? [] : await allBlocks(vm)),
    iothread: () => iothreadFields(shown, vm),
    dirtyrate: () => dirtyRateFields(vm),
  };
  const fields: StatsField[] = [];
  for (const group of groups) fields.push(...(await makers[group]()));
  return fields;
}

const int = (field: string, value: number): StatsField => ({ field, type: "int", value });
const uint = (field: string, value: number): StatsField => ({ field, type: "uint", value });
const ullong = (field: string, value: bigint | number): StatsField => ({ field, type: "ullong", value: BigInt(value) });
const string = (field: string, value: string): StatsField => ({ field, type: "string", value });

function cpuFields(host: Host, vm: LiveVm | undefined): StatsField[] {
  const times = vm === undefined ? undefined : readTimes(host, vm.process.identity.pid);
  if (times === undefined) return [];
  return [
    ullong("cpu.time", times.userNs + times.systemNs),
    ullong("cpu.user", times.userNs),
    ullong("cpu.system", times.systemNs),
    // What the kernel tells root only; libvirt's session daemon says the same.
    uint("cpu.cache.monitor.count", 0),
    ullong("cpu.haltpoll.success.time", 0),
    ullong("cpu.haltpoll.fail.time", 0),
  ];
}

async function balloonFields(host: Host, domain: Domain, vm: LiveVm | undefined): Promise<StatsField[]> {
  const fields = [
    ullong("balloon.current", await currentMemoryKiB(domain, vm)),
    ullong("balloon.maximum", domain.memory?.memoryKiB ?? 0),
  ];
  if (vm === undefined) return fields;
  const times = readTimes(host, vm.process.identity.pid);
  fields.push(...(await guestMemoryFields(domain, vm)));
  if (times !== undefined) fields.push(ullong("balloon.rss", Math.floor(times.rssBytes / 1024)));
  return fields;
}

/** What the guest's balloon driver tells, by QEMU's names: ours, and how many bytes one is. */
const guestMemory: readonly (readonly [qemu: string, field: string, unitBytes: number])[] = [
  ["stat-swap-in", "swap_in", 1024],
  ["stat-swap-out", "swap_out", 1024],
  ["stat-major-faults", "major_fault", 1],
  ["stat-minor-faults", "minor_fault", 1],
  ["stat-free-memory", "unused", 1024],
  ["stat-total-memory", "available", 1024],
  ["stat-available-memory", "usable", 1024],
  ["last-update", "last-update", 1],
  ["stat-disk-caches", "disk_caches", 1024],
  ["stat-htlb-pgalloc", "hugetlb_pgalloc", 1],
  ["stat-htlb-pgfail", "hugetlb_pgfail", 1],
];

async function guestMemoryFields({ devices }: Domain, vm: LiveVm): Promise<StatsField[]> {
  const { alias, model = "none" } = devices.memballoon ?? {};
  if (model === "none" || alias === undefined) return [];
  const asked = { path: `/machine/peripheral/${alias}`, property: "guest-stats" };
  const answer = await vm.process.execute("qom-get", asked, 2000).catch(() => undefined);
  const { stats = {}, ...rest } = (answer ?? {}) as { readonly stats?: object; readonly "last-update"?: number };
  const figures = { ...stats, ...rest } as Readonly<Record<string, number>>;
  return guestMemory.flatMap(([qemu, field, unit]) => {
    const value = figures[qemu];
    // -1, as an unsigned number: the guest has not told.
    if (typeof value !== "number" || value < 0 || value >= 2 ** 63) return [];
    return [ullong(`balloon.${field}`, Math.floor(value / unit))];
  });
}

async function vcpuFields(host: Host, domain: Domain, vm: LiveVm | undefined): Promise<StatsField[]> {
  const count = domain.vcpu?.count ?? 1;
  const fields = [uint("vcpu.current", domain.vcpu?.current ?? count), uint("vcpu.maximum", count)];
  if (vm === undefined || vm.state.state === domainState.shutdown) return fields;
  const { pid } = vm.process.identity;
  const cpus = await vm.process.execute("query-cpus-fast", {}, 2000).catch(() => []);
  for (const { "cpu-index": number, "thread-id": thread } of cpus) {
    const times = readTimes(host, pid, thread);
    if (times === undefined) continue;
    const name = `vcpu.${number}`;
    fields.push(int(`${name}.state`, 1), ullong(`${name}.time`, times.userNs + times.systemNs));
    const schedule = readSchedule(host, pid, thread);
    if (schedule === undefined) continue;
    fields.push(ullong(`${name}.wait`, schedule.runnableNs), ullong(`${name}.delay`, schedule.waitedNs));
  }
  return fields;
}

/** Only cards that are a device on the host are counted there. */
function interfaceFields(host: Host, { devices }: Domain, vm: LiveVm | undefined): StatsField[] {
  if (vm === undefined) return [];
  const fields = [uint("net.count", devices.interfaces.length)];
  for (const [index, card] of devices.interfaces.entries()) {
    const name = hostSide(card);
    if (name === undefined) continue;
    fields.push(string(`net.${index}.name`, name));
    for (const [way, counters] of Object.entries(readCardCounters(host, name))) {
      fields.push(
        ullong(`net.${index}.${way}.bytes`, counters.bytes),
        ullong(`net.${index}.${way}.pkts`, counters.packets),
        ullong(`net.${index}.${way}.errs`, counters.errors),
        ullong(`net.${index}.${way}.drop`, counters.dropped),
      );
    }
  }
  return fields;
}

async function iothreadFields(domain: Domain, vm: LiveVm | undefined): Promise<StatsField[]> {
  if (vm === undefined || (domain.iothreads ?? 0) === 0) return [];
  const threads = await vm.process.execute("query-iothreads", {}, 2000).catch(() => []);
  const sorted = threads.map((thread) => ({ ...thread, number: Number(thread.id.replace(/\D/g, "")) }));
  sorted.sort((a, b) => a.number - b.number);
  return [
    uint("iothread.count", sorted.length),
    ...sorted.flatMap((thread) => [
      ullong(`iothread.${thread.number}.poll-max-ns`, thread["poll-max-ns"]),
      uint(`iothread.${thread.number}.poll-grow`, thread["poll-grow"]),
      uint(`iothread.${thread.number}.poll-shrink`, thread["poll-shrink"]),
    ]),
  ];
}

/** `virDomainDirtyRateStatus`. */
const dirtyRateStates = ["unstarted", "measuring", "measured"];

async function dirtyRateFields(vm: LiveVm | undefined): Promise<StatsField[]> {
  const rate = await vm?.process.execute("query-dirty-rate", {}, 2000).catch(() => undefined);
  if (rate === undefined) return [];
  const fields = [
    int("dirtyrate.calc_status", Math.max(0, dirtyRateStates.indexOf(rate.status))),
    { field: "dirtyrate.calc_start_time", type: "llong", value: BigInt(rate["start-time"]) } as const,
    int("dirtyrate.calc_period", rate["calc-time"]),
    string("dirtyrate.calc_mode", rate.mode),
  ];
  const megabytes = rate["dirty-rate"];
  if (rate.status === "measured" && megabytes !== undefined)
    fields.push({ field: "dirtyrate.megabytes_per_second", type: "llong", value: BigInt(megabytes) });
  return fields;
}
