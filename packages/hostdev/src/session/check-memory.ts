// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { type Finding, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { formatSize, GiB } from "../core/units.ts";
import type { Domain } from "../domain/domain.ts";
import { memoryBytes } from "../domain/facts.ts";
import { describeLimit, isAtLeast, readMemlock } from "../memlock/limit.ts";
import { readHugepages, readMeminfo } from "./host-memory.ts";

/**
 * Checks that the host has the guest's memory. With assigned devices all of it is taken at once, and cannot be
 * swapped out; without, the kernel takes what is touched, and refuses at the start only what it could never give.
 *
 * Touches: reads proc and sysfs. Needs: nothing.
 */
export function checkMemory(host: Host, domain: Domain, isPinned: boolean): readonly Finding[] {
  const locked = checkLocked(host, domain);
  if (domain.memoryBacking?.hugepages !== undefined) return [...locked, ...checkHugepages(host, domain)];
  return [...locked, checkPlain(host, memoryBytes(domain), isPinned)];
}

function checkPlain(host: Host, wantedBytes: number, isPinned: boolean): Finding {
  const info = readMeminfo(host);
  const size = (name: string) => info.get(name) ?? 0;
  const availableBytes = info.get("MemAvailable") ?? Number.POSITIVE_INFINITY;
  if (wantedBytes <= availableBytes)
    return ok(`memory: ${formatSize(wantedBytes)} of the host's ${formatSize(availableBytes)} available`);
  const possibleBytes = isPinned
    ? availableBytes + size("SwapFree")
    : (commitRoom(host, info) ?? size("MemTotal") + size("SwapTotal"));
  const message = `The host has ${formatSize(availableBytes)} of memory available, and the VM wants ${formatSize(wantedBytes)}`;
  const error = new HostdevError("HD_MEMORY_SHORT", message, { requestedBytes: wantedBytes, availableBytes });
  return toFinding(error, wantedBytes > possibleBytes ? "failure" : "warning");
}

/** What can still be promised, where the administrator does not allow more promises than there is memory. */
function commitRoom(host: Host, info: ReadonlyMap<string, number>): number | undefined {
  if (host.readText("/proc/sys/vm/overcommit_memory")?.trim() !== "2") return undefined;
  return Math.max(0, (info.get("CommitLimit") ?? 0) - (info.get("Committed_AS") ?? 0));
}

function checkHugepages(host: Host, domain: Domain): readonly Finding[] {
  const [page] = domain.memoryBacking?.hugepages?.pages ?? [];
  const pools = readHugepages(host);
  const sizeKiB = page?.sizeKiB ?? pools[0]?.sizeKiB ?? 2048;
  // Pages for some nodes only: how many of each is QEMU's to find out.
  if (page?.nodes !== undefined) return [];
  const needed = Math.ceil(memoryBytes(domain) / 1024 / sizeKiB);
  const free = pools.find((pool) => pool.sizeKiB === sizeKiB)?.free ?? 0;
  const size = formatSize(sizeKiB * 1024);
  if (free >= needed) return [ok(`memory: ${needed} of ${free} free hugepages of ${size}`)];
  const message = `The host has ${free} free hugepages of ${size}, and the VM wants ${needed}`;
  return [toFinding(new HostdevError("HD_HUGEPAGES_SHORT", message, { sizeKiB, needed, free }))];
}

/** What QEMU keeps for a guest's code when it emulates: 1 GiB, or an eighth of a smaller host's memory. */
function codeBufferBytes(host: Host): number {
  return Math.min(GiB, Math.floor((readMeminfo(host).get("MemTotal") ?? 0) / 8));
}

/** `<locked/>` locks all that QEMU has, its own code and stacks too, so how much that is shows only when it runs. */
function checkLocked(host: Host, domain: Domain): readonly Finding[] {
  if (domain.memoryBacking?.locked !== true) return [];
  const limit = readMemlock(host, host.self.pid);
  if (limit === undefined || limit.hardBytes === null) return [];
  const code = domain.type === "kvm" ? 0 : codeBufferBytes(host);
  const requiredBytes = memoryBytes(domain) + code;
  const terms = code === 0 ? "" : `, ${formatSize(code)} of it for translated code`;
  const message = `<locked/> locks all of QEMU's memory, more than ${formatSize(requiredBytes)}${terms}; the limit is ${describeLimit(limit.hardBytes)}`;
  const error = new HostdevError("HD_LOCKED_MEMORY", message, { hardBytes: limit.hardBytes, requiredBytes });
  return [toFinding(error, isAtLeast(limit.hardBytes, requiredBytes) ? "warning" : "failure")];
}
