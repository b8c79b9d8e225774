// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { Host } from "../../core/host.ts";
import { readAttribute } from "../../pci/sysfs.ts";
import type { TypedParameter } from "../../rpc/objects.ts";
import { type HostNode, parseMeminfo, readCpuTopology } from "../machine/cpu-topology.ts";
import type { ClientHandlers } from "./client.ts";
import { checkFlags, invalidArgument, operationFailed } from "./libvirt-errors.ts";

/** libvirt's names for what `/proc/meminfo` and the nodes' have, in its order. */
const memoryFields = { total: "MemTotal", free: "MemFree", buffers: "Buffers", cached: "Cached" } as const;
const cpuFields = ["user", "nice", "kernel", "idle", "iowait", "irq"] as const;

/** The host's processors and memory. */
export const nodeHandlers: ClientHandlers = {
  nodeGetInfo: ({ host }) => {
    const topology = readCpuTopology(host);
    const { nodes, sockets, dies, cores, threads, mhz } = topology;
    const cpus = nodes.reduce((sum, node) => sum + node.cpus.length, 0);
    const memoryKiB = nodes.reduce((sum, node) => sum + node.totalKiB, 0n);
    return { model: "x86_64", memoryKiB, cpus, mhz, nodes: nodes.length, sockets, cores: cores * dies, threads };
  },
  nodeGetFreeMemory: ({ host }) => ({
    bytes: 1024n * readCpuTopology(host).nodes.reduce((sum, node) => sum + node.freeKiB, 0n),
  }),
  nodeGetSecurityModel: () => ({ model: "none", doi: "0" }),
  nodeGetMemoryStats: ({ host }, { count, cell, flags }) => {
    checkFlags(flags, 0);
    const params = memoryStats(host, cell);
    return { params: count === 0 ? [] : params, count: params.length };
  },
  nodeGetCpuStats: ({ host }, { cpu, count, flags }) => {
    checkFlags(flags, 0);
    const params = cpuStats(host, cpu);
    return { params: count === 0 ? [] : params, count: params.length };
  },
  nodeGetMemoryParameters: ({ host }, { count, flags }) => {
    checkFlags(flags, 4); // typed strings
    const params = sharedMemory.flatMap(([file, type]): TypedParameter[] => {
      const value = readAttribute(host, `/sys/kernel/mm/ksm/${file}`);
      if (value === undefined) return [];
      const field = `shm_${file}`;
      return [
        type === "uint"
          ? { field, value: { type, value: Number(value) } }
          : { field, value: { type, value: BigInt(value) } },
      ];
    });
    return { params: count === 0 ? [] : params.slice(0, count), count: params.length };
  },
  nodeGetFreePages: ({ host }, { pagesKiB, startCell, cells, flags }) => {
    checkFlags(flags, 0);
    const asked = readCpuTopology(host).nodes.filter(
      ({ id }) => startCell < 0 || (id >= startCell && id < startCell + cells),
    );
    if (asked.length === 0) throw invalidArgument(`start cell ${startCell} out of range`);
    return { counts: asked.flatMap((node) => pagesKiB.map((size) => freePages(host, node, size))) };
  },
  nodeGetCpuMap: ({ host }, { needMap, needOnline, flags }) => {
    checkFlags(flags, 0);
    const { nodes, present } = readCpuTopology(host);
    const online = nodes.flatMap((node) => node.cpus.map(({ id }) => id));
    const map = Buffer.alloc(needMap ? Math.ceil(present / 8) : 0);
    if (needMap) for (const id of online) map[id >> 3] = (map[id >> 3] ?? 0) | (1 << (id & 7));
    return { map, online: needOnline ? online.length : 0, count: present };
  },
};

/** What the kernel shares between guests (KSM), in libvirt's order. */
const sharedMemory = [
  ["pages_to_scan", "uint"],
  ["sleep_millisecs", "uint"],
  ["pages_shared", "ullong"],
  ["pages_sharing", "ullong"],
  ["pages_unshared", "ullong"],
  ["pages_volatile", "ullong"],
  ["full_scans", "ullong"],
  ["merge_across_nodes", "uint"],
] as const;

function freePages(host: Host, node: HostNode, sizeKiB: number): bigint {
  if (sizeKiB === 4) return node.freeKiB / 4n;
  const path = `/sys/devices/system/node/node${node.id}/hugepages/hugepages-${sizeKiB}kB/free_hugepages`;
  const text = readAttribute(host, path);
  if (text === undefined) throw operationFailed(`page size ${sizeKiB} is not available on node ${node.id}`);
  return BigInt(text);
}

function memoryStats(host: Host, cell: number) {
  const path = cell === -1 ? "/proc/meminfo" : `/sys/devices/system/node/node${cell}/meminfo`;
  const text = readAttribute(host, path);
  if (text === undefined) throw invalidArgument(`cell number ${cell} is not there`);
  const figures = parseMeminfo(text);
  return Object.entries(memoryFields).flatMap(([field, name]) => {
    const value = figures.get(name);
    return value === undefined ? [] : [{ field, value }];
  });
}

/** In nanoseconds; the kernel counts in hundredths of a second (USER_HZ). */
function cpuStats(host: Host, cpu: number) {
  const name = cpu === -1 ? "cpu" : `cpu${cpu}`;
  const line = (readAttribute(host, "/proc/stat") ?? "").split("\n").find((row) => row.startsWith(`${name} `));
  if (line === undefined) throw invalidArgument(`Invalid cpuNum in nodeGetCPUStats`);
  const ticks = new Map(
    line
      .split(/ +/)
      .slice(1)
      .map((value, index) => [cpuFields[index], BigInt(value)]),
  );
  const value = (field: (typeof cpuFields)[number]) => (ticks.get(field) ?? 0n) * 10_000_000n;
  return [
    { field: "kernel", value: value("kernel") + value("irq") },
    { field: "user", value: value("user") + value("nice") },
    { field: "idle", value: value("idle") },
    { field: "iowait", value: value("iowait") },
  ];
}
