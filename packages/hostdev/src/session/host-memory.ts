// SPDX-License-Identifier: Apache-2.0

/** What memory the host has for guests: its nodes, its hugepages, and how much of both is left. */
import type { Host } from "../core/host.ts";
import { KiB } from "../core/units.ts";
import { nodeSet } from "../domain/node-set.ts";

const nodes = "/sys/devices/system/node";
const pools = "/sys/kernel/mm/hugepages";

/** The numbers of the host's NUMA nodes; node 0 alone where the kernel knows of none. */
export function readHostNodes(host: Host): readonly number[] {
  return nodeSet.parse((host.readText(`${nodes}/online`) ?? "").trim()) ?? [0];
}

/** The nodes that these CPUs of the host belong to. */
export function nodesOfCpus(host: Host, cpus: readonly number[]): readonly number[] {
  return readHostNodes(host).filter((node) => {
    const own = nodeSet.parse((host.readText(`${nodes}/node${node}/cpulist`) ?? "").trim()) ?? [];
    return own.some((cpu) => cpus.includes(cpu));
  });
}

/** Hugepages of one size. */
export interface HugepagePool {
  readonly sizeKiB: number;
  readonly free: number;
}

/** The sizes of hugepages that this machine has, the default first. Touches: reads sysfs and proc. Needs: nothing. */
export function readHugepages(host: Host): readonly HugepagePool[] {
  const usual = readMeminfo(host).get("Hugepagesize") ?? 0;
  const found = (host.list(pools) ?? []).flatMap((name) => {
    const sizeKiB = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    const free = Number((host.readText(`${pools}/${name}/free_hugepages`) ?? "").trim());
    return Number.isNaN(sizeKiB) ? [] : [{ sizeKiB, free: Number.isNaN(free) ? 0 : free }];
  });
  return found.sort((a, b) => Number(b.sizeKiB * KiB === usual) - Number(a.sizeKiB * KiB === usual));
}

/** `/proc/meminfo`, in bytes. */
export function readMeminfo(host: Host): ReadonlyMap<string, number> {
  const lines = (host.readText("/proc/meminfo") ?? "").matchAll(/^(\w+):\s+(\d+) kB$/gm);
  return new Map([...lines].map(([, name = "", kib]) => [name, Number(kib) * KiB]));
}
