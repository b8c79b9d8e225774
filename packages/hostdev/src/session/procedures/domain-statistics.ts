// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { Host } from "../../core/host.ts";
import { readProc } from "../../core/processes.ts";
import { errorCode, errorDomain, libvirtError } from "../../rpc/error-payload.ts";
import { parseCpuSet } from "../machine/cpu-topology.ts";
import type { SessionDomain, StatsGroup } from "../session-api.ts";
import type { ClientHandlers } from "./client.ts";
import { listWanted } from "./domain-lookup.ts";
import { findDomain, toWire } from "./domain-reference.ts";
import { checkFlags, invalidArgument } from "./libvirt-errors.ts";

/** `VIR_DOMAIN_STATS_*`, by bit; `undefined` are groups that hostdev has no figures of. */
const statsGroups: readonly (StatsGroup | undefined)[] = [
  ...(["state", "cpu", "balloon", "vcpu", "interface", "block"] as const),
  ...[undefined, undefined, undefined, undefined, undefined], // perf, iothread, memory, dirtyrate, vm
];
/** `VIR_CONNECT_GET_ALL_DOMAINS_STATS_*`: filters as of a list of domains; bits that say how. */
const filterMask = 0xff;
const nowait = 1 << 29;
const backing = 1 << 30;
const enforce = 2 ** 31;

/** `virDomainMemoryStatTags`, by our field. */
const memoryTags: Readonly<Record<string, number>> = {
  "balloon.swap_in": 0,
  "balloon.swap_out": 1,
  "balloon.major_fault": 2,
  "balloon.minor_fault": 3,
  "balloon.unused": 4,
  "balloon.available": 5,
  "balloon.current": 6,
  "balloon.rss": 7,
  "balloon.usable": 8,
  "balloon.last-update": 9,
  "balloon.disk_caches": 10,
  "balloon.hugetlb_pgalloc": 11,
  "balloon.hugetlb_pgfail": 12,
};

/** Memory, processors and figures of a domain. */
export const domainStatisticsHandlers: ClientHandlers = {
  connectGetAllDomainStats: async ({ session }, { domains, stats, flags }) => {
    checkFlags(flags, (filterMask | nowait | backing | enforce) >>> 0);
    const groups = groupsOf(stats, (flags & enforce) !== 0);
    const asked = domains.length > 0 ? domains.map((domain) => findDomain(session, domain)) : session.list();
    const records = listWanted(asked, flags & filterMask).map(async (domain) => ({
      domain: toWire(domain.reference),
      params: (await domain.stats(groups)).map(({ field, ...value }) => ({ field, value })),
    }));
    return { records: await Promise.all(records) };
  },
  domainGetMaxMemory: async ({ session }, { domain }) => ({
    memoryKiB: BigInt((await findDomain(session, domain).info()).maxMemoryKiB),
  }),
  domainGetMaxVcpus: ({ session }, { domain }) => ({ number: countVcpus(findDomain(session, domain), true).max }),
  domainGetVcpusFlags: ({ session }, { domain, flags }) => {
    checkFlags(flags, vcpu.live | vcpu.config | vcpu.maximum);
    const found = findDomain(session, domain);
    if ((flags & vcpu.live) !== 0) requireActive(found);
    if ((flags & vcpu.config) !== 0 && !found.isPersistent) throw noConfiguration();
    const isInactive = (flags & vcpu.config) !== 0;
    const { max, current } = countVcpus(found, isInactive);
    return { number: (flags & vcpu.maximum) === 0 ? current : max };
  },
  domainGetVcpus: async ({ host, session }, { domain, maxInfo, mapBytes }) => {
    if (maxInfo < 0 || mapBytes < 0 || maxInfo * mapBytes > 8_388_608)
      throw invalidArgument("maxinfo * maplen is too large");
    const found = findDomain(session, domain);
    requireActive(found);
    const vcpus = (await found.vcpus()).slice(0, maxInfo);
    const map = affinity(host, found.pid, mapBytes);
    return { vcpus, cpuMaps: Buffer.concat(vcpus.map(() => map)) };
  },
  domainMemoryStats: async ({ session }, { domain, max, flags }) => {
    checkFlags(flags, 0);
    const found = findDomain(session, domain);
    requireActive(found);
    const stats = (await found.stats(["balloon"])).flatMap(({ field, value }) => {
      const tag = memoryTags[field];
      return tag === undefined || typeof value !== "bigint" ? [] : [{ tag, value }];
    });
    return { stats: stats.slice(0, max) };
  },
  domainGetSchedulerType: ({ session }, { domain }) => {
    findDomain(session, domain);
    const prefix = "Operation not supported: ";
    const text = "CPU tuning is not available in session mode";
    throw libvirtError(errorCode.operationUnsupported, errorDomain.qemu, prefix, text);
  },
  domainInterfaceAddresses: ({ session }, { domain, source, flags }) => {
    checkFlags(flags, 0);
    requireActive(findDomain(session, domain));
    // A session's cards have no leases of libvirt's networks, and no neighbours on the host's.
    if (source === 0 || source === 2) return { interfaces: [] };
    throw libvirtError(
      errorCode.argumentUnsupported,
      errorDomain.qemu,
      "argument unsupported: ",
      `Unsupported IP address data source ${source}`,
    );
  },
};

const vcpu = { live: 1, config: 2, maximum: 4 } as const;

function groupsOf(stats: number, isEnforced: boolean): readonly StatsGroup[] {
  const bits = statsGroups.map((group, bit) => ({ group, isWanted: stats === 0 || (stats & (1 << bit)) !== 0 }));
  const known = (1 << statsGroups.length) - 1;
  const missing = bits.some(({ group, isWanted }) => stats !== 0 && isWanted && group === undefined);
  if (isEnforced && (missing || (stats & ~known) !== 0)) {
    throw libvirtError(
      errorCode.argumentUnsupported,
      errorDomain.qemu,
      "argument unsupported: ",
      `Stats types bits 0x${stats.toString(16)} are not supported by this daemon`,
    );
  }
  return bits.flatMap(({ group, isWanted }) => (isWanted && group !== undefined ? [group] : []));
}

/** Out of the XML, which is the only place that says both. */
function countVcpus(domain: SessionDomain, inactive: boolean): { readonly max: number; readonly current: number } {
  const [, attributes = "", count = "1"] = /<vcpu\b([^>]*)>(\d+)<\/vcpu>/.exec(domain.getXml({ inactive })) ?? [];
  const max = Number(count);
  return { max, current: Number(/ current='(\d+)'/.exec(attributes)?.[1] ?? max) };
}

/** Which of the host's processors QEMU may run on, as bits. */
function affinity(host: Host, pid: number | undefined, bytes: number): Buffer {
  const status = pid === undefined ? undefined : readProc(host, pid, "status");
  const allowed = parseCpuSet(/^Cpus_allowed_list:\s*(\S+)/m.exec(status ?? "")?.[1] ?? "");
  const map = Buffer.alloc(bytes);
  for (const cpu of allowed) if (cpu >> 3 < bytes) map[cpu >> 3] = (map[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return map;
}

/** @throws {HostdevError} libvirt's error for a domain that does not run. */
export function requireActive({ isActive }: SessionDomain): void {
  if (!isActive) throw invalidState("domain is not running");
}

function noConfiguration() {
  return invalidState("transient domains do not have any persistent config");
}

function invalidState(text: string) {
  return libvirtError(errorCode.operationInvalid, errorDomain.qemu, "Requested operation is not valid: ", text);
}
