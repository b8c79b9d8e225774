// SPDX-License-Identifier: Apache-2.0
import { errorCode, errorDomain, libvirtError } from "../../rpc/error-payload.ts";
import type { SessionDomain, StatsGroup } from "../session-api.ts";
import type { ClientHandlers } from "./client.ts";
import { listWanted } from "./domain-lookup.ts";
import { findDomain, toWire } from "./domain-reference.ts";
import { argumentUnsupported, checkFlags, invalidState } from "./libvirt-errors.ts";

/** `VIR_DOMAIN_STATS_*`, by bit; `undefined` are groups that hostdev has no figures of. */
const statsGroups: readonly (StatsGroup | undefined)[] = [
  ...(["state", "cpu", "balloon", "vcpu", "interface", "block"] as const),
  undefined, // perf
  "iothread",
  undefined, // memory, by the host's cache and bandwidth monitors
  "dirtyrate",
  undefined, // vm, KVM's own counters
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

/** Figures of a domain. */
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
};

function groupsOf(stats: number, isEnforced: boolean): readonly StatsGroup[] {
  const bits = statsGroups.map((group, bit) => ({ group, isWanted: stats === 0 || (stats & (1 << bit)) !== 0 }));
  const known = (1 << statsGroups.length) - 1;
  const missing = bits.some(({ group, isWanted }) => stats !== 0 && isWanted && group === undefined);
  if (isEnforced && (missing || (stats & ~known) !== 0)) {
    throw argumentUnsupported(`Stats types bits 0x${stats.toString(16)} are not supported by this daemon`);
  }
  return bits.flatMap(({ group, isWanted }) => (isWanted && group !== undefined ? [group] : []));
}

/** @throws {HostdevError} libvirt's error for a domain that does not run. */
export function requireActive({ isActive }: SessionDomain): void {
  if (!isActive) throw invalidState("domain is not running");
}
