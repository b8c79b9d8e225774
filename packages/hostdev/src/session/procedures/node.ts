// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { Host } from "../../core/host.ts";
import { readAttribute } from "../../pci/sysfs.ts";
import { parseMeminfo, readCpuTopology } from "../machine/cpu-topology.ts";
import type { ClientHandlers } from "./client.ts";
import { checkFlags, invalidArgument } from "./libvirt-errors.ts";

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
  nodeGetCpuMap: ({ host }, { needMap, needOnline, flags }) => {
    checkFlags(flags, 0);
    const { nodes, present } = readCpuTopology(host);
    const online = nodes.flatMap((node) => node.cpus.map(({ id }) => id));
    const map = Buffer.alloc(needMap ? Math.ceil(present / 8) : 0);
    if (needMap) for (const id of online) map[id >> 3] = (map[id >> 3] ?? 0) | (1 << (id & 7));
    return { map, online: needOnline ? online.length : 0, count: present };
  },
};

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
