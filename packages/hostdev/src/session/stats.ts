// SPDX-License-Identifier: Apache-2.0

/** What is counted of a domain: in QEMU, by its monitor, and in the kernel, by proc. */
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { allBlocks, blockFields } from "./block-stats.ts";
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
    return { number, state: 1, cpuTimeNs, cpu: times?.cpu ?? -1 };
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
  ];
}

async function balloonFields(host: Host, domain: Domain, vm: LiveVm | undefined): Promise<StatsField[]> {
  const fields = [
    ullong("balloon.current", await currentMemoryKiB(domain, vm)),
    ullong("balloon.maximum", domain.memory?.memoryKiB ?? 0),
  ];
  const times = vm === undefined ? undefined : readTimes(host, vm.process.identity.pid);
  return times === undefined ? fields : [...fields, ullong("balloon.rss", Math.floor(times.rssBytes / 1024))];
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
    if (schedule !== undefined) fields.push(ullong(`${name}.delay`, schedule.waitedNs));
  }
  return fields;
}

/** Only cards that are a device on the host are counted there. Its side receives what the guest sends. */
function interfaceFields(host: Host, { devices }: Domain, vm: LiveVm | undefined): StatsField[] {
  const counted = vm === undefined ? [] : devices.interfaces.filter((card) => hostSide(card) !== undefined);
  const fields = [uint("net.count", counted.length)];
  for (const [index, card] of counted.entries()) {
    const name = hostSide(card) ?? "";
    fields.push(string(`net.${index}.name`, name));
    for (const [ours, theirs] of [
      ["rx", "tx"],
      ["tx", "rx"],
    ] as const) {
      const count = (what: string) => {
        const text = host.readText(`/sys/class/net/${name}/statistics/${theirs}_${what}`)?.trim();
        return text === undefined || !/^\d+$/.test(text) ? 0n : BigInt(text);
      };
      fields.push(
        ullong(`net.${index}.${ours}.bytes`, count("bytes")),
        ullong(`net.${index}.${ours}.pkts`, count("packets")),
        ullong(`net.${index}.${ours}.errs`, count("errors")),
        ullong(`net.${index}.${ours}.drop`, count("dropped")),
      );
    }
  }
  return fields;
}

function hostSide(card: Domain["devices"]["interfaces"][number]): string | undefined {
  const name = "target" in card ? card.target?.dev : undefined;
  return name !== undefined && /^[^/\s]{1,15}$/.test(name) && !/^\.\.?$/.test(name) ? name : undefined;
}
