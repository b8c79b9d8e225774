// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import { readAttribute, readNumber } from "../../pci/sysfs.ts";

const cpuFolder = "/sys/devices/system/cpu";
const nodeFolder = "/sys/devices/system/node";

/** A processor that is switched on. */
export interface HostCpu {
  readonly id: number;
  readonly socket: number;
  readonly die: number;
  readonly core: number;
  /** The threads of its core, as the kernel writes sets: `0-1`. */
  readonly siblings: string;
}

/** A NUMA node of the host. */
export interface HostNode {
  readonly id: number;
  readonly cpus: readonly HostCpu[];
  readonly totalKiB: bigint;
  readonly freeKiB: bigint;
  readonly distances: readonly number[];
}

/** The host's processors, and how they are grouped. */
export interface CpuTopology {
  readonly nodes: readonly HostNode[];
  readonly present: number;
  readonly sockets: number;
  readonly dies: number;
  readonly cores: number;
  readonly threads: number;
  readonly mhz: number;
  /** `AMD`, `Intel`, or as the processor says. */
  readonly vendor: string | undefined;
}

/** Reads the processors. Touches: sysfs, `/proc/cpuinfo`. Needs: nothing. */
export function readCpuTopology(host: Host): CpuTopology {
  const nodes = readNodes(host);
  const cpus = nodes.flatMap((node) => node.cpus);
  const distinct = (key: (cpu: HostCpu) => string) => new Set(cpus.map(key)).size;
  const sockets = distinct((cpu) => `${cpu.socket}`);
  const dies = distinct((cpu) => `${cpu.socket} ${cpu.die}`);
  const cores = distinct((cpu) => `${cpu.socket} ${cpu.die} ${cpu.core}`);
  const info = readAttribute(host, "/proc/cpuinfo") ?? "";
  const vendor = /^vendor_id\s*: (\S+)/m.exec(info)?.[1];
  return {
    nodes,
    present: parseCpuSet(readAttribute(host, `${cpuFolder}/present`) ?? "").length || cpus.length,
    sockets: Math.max(1, sockets / Math.max(1, nodes.length)),
    dies: Math.max(1, dies / Math.max(1, sockets)),
    cores: Math.max(1, cores / Math.max(1, dies)),
    threads: Math.max(1, cpus.length / Math.max(1, cores)),
    mhz: Math.trunc(Number(/^cpu MHz\s*: ([\d.]+)/m.exec(info)?.[1] ?? 0)),
    vendor: vendor === "AuthenticAMD" ? "AMD" : vendor === "GenuineIntel" ? "Intel" : vendor,
  };
}

function readNodes(host: Host): readonly HostNode[] {
  const ids = parseCpuSet(readAttribute(host, `${nodeFolder}/online`) ?? "");
  if (ids.length > 0) return ids.map((id) => readNode(host, id));
  // A kernel without NUMA: one node with everything.
  const cpus = parseCpuSet(readAttribute(host, `${cpuFolder}/online`) ?? "0").map((id) => readCpu(host, id));
  const memory = parseMeminfo(readAttribute(host, "/proc/meminfo") ?? "");
  return [
    { id: 0, cpus, totalKiB: memory.get("MemTotal") ?? 0n, freeKiB: memory.get("MemFree") ?? 0n, distances: [10] },
  ];
}

function readNode(host: Host, id: number): HostNode {
  const folder = `${nodeFolder}/node${id}`;
  const memory = parseMeminfo(readAttribute(host, `${folder}/meminfo`) ?? "");
  return {
    id,
    cpus: parseCpuSet(readAttribute(host, `${folder}/cpulist`) ?? "").map((cpu) => readCpu(host, cpu)),
    totalKiB: memory.get("MemTotal") ?? 0n,
    freeKiB: memory.get("MemFree") ?? 0n,
    distances: (readAttribute(host, `${folder}/distance`) ?? "").split(" ").map(Number),
  };
}

function readCpu(host: Host, id: number): HostCpu {
  const folder = `${cpuFolder}/cpu${id}/topology`;
  return {
    id,
    socket: readNumber(host, `${folder}/physical_package_id`) ?? 0,
    die: readNumber(host, `${folder}/die_id`) ?? 0,
    core: readNumber(host, `${folder}/core_id`) ?? id,
    siblings: readAttribute(host, `${folder}/thread_siblings_list`) ?? String(id),
  };
}

/** A set of numbers as the kernel writes it: `0-3,8`. Pure. */
export function parseCpuSet(text: string): readonly number[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** Figures in KiB out of `/proc/meminfo`, or a NUMA node's, whose lines begin with `Node 0`. Pure. */
export function parseMeminfo(text: string): ReadonlyMap<string, bigint> {
  const rows = [...text.matchAll(/^(?:Node \d+ )?(\w+):\s+(\d+)/gm)];
  return new Map(rows.map(([, name = "", value = "0"]) => [name, BigInt(value)]));
}
