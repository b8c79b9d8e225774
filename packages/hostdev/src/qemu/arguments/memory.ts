// SPDX-License-Identifier: Apache-2.0

/** Guest memory: how much, backed by what, on which nodes. libvirt: qemuBuildMemoryBackendProps. */
import type { NumaCell } from "../../domain/cpu.ts";
import type { MemoryDevice } from "../../domain/devices/memory-device.ts";
import type { Domain } from "../../domain/domain.ts";
import { ranges } from "../../domain/node-set.ts";
import { invalid } from "../../xml/complaint.ts";
import { addressProperties } from "./address.ts";
import { type BackendRequest, backendArguments, hugepagesFor } from "./memory-backend.ts";
import { type Build, deviceArgument, keyValues, type Properties } from "./options.ts";

const alignKiB = 1024;
const deviceAlignKiB = 2048;

/** Whether one object backs all memory; with NUMA nodes each has its own. */
export function backsMachineMemory(domain: Domain): boolean {
  return cellsOf(domain).length === 0;
}

function cellsOf(domain: Domain): readonly NumaCell[] {
  return domain.cpu?.numa?.cells ?? [];
}

function aligned(kib: number, to: number): number {
  return Math.ceil(kib / to) * to;
}

/** What the guest boots with, in KiB, in whole MiB: the total without the memory devices. */
export function initialMemoryKiB(domain: Domain): number {
  const cells = cellsOf(domain);
  if (cells.length > 0) return cells.reduce((sum, cell) => sum + aligned(cell.memoryKiB, alignKiB), 0);
  const devices = domain.devices.memories.reduce((sum, memory) => sum + memory.target.sizeKiB, 0);
  const initial = (domain.memory?.memoryKiB ?? 0) - devices;
  if (initial <= 0) throw invalid(domain.memory ?? domain, "the memory devices are larger than the whole <memory>");
  return aligned(initial, alignKiB);
}

/** `-m` and the object behind it. */
export function memoryArguments(build: Build): string[] {
  const { domain } = build;
  const { maxMemory } = domain;
  const initial = initialMemoryKiB(domain);
  const slots = maxMemory?.slots === 0 ? undefined : maxMemory?.slots;
  const limits = maxMemory === undefined ? {} : { slots, maxmem: `${aligned(maxMemory.memoryKiB, alignKiB)}k` };
  const args = ["-m", keyValues(`size=${initial}k`, limits)];
  if (!backsMachineMemory(domain)) return args;
  const request: BackendRequest = { alias: "pc.ram", sizeKiB: initial, systemMemory: true };
  return [...args, ...backendArguments(build, request)];
}

/** `-numa`. libvirt: qemuBuildNumaCommandLine. */
export function numaArguments(build: Build): string[] {
  const cells = cellsOf(build.domain);
  const args: string[] = [];
  for (const cell of cells) {
    const id = cell.id ?? 0;
    const alias = `ram-node${id}`;
    args.push(...backendArguments(build, { alias, sizeKiB: aligned(cell.memoryKiB, alignKiB), node: id, cell }));
    const cpus = ranges(cell.cpus ?? []).map(([first, last]) =>
      first === last ? `cpus=${first}` : `cpus=${first}-${last}`,
    );
    args.push("-numa", ["node", `nodeid=${id}`, ...cpus, `memdev=${alias}`].join(","));
  }
  if (!cells.some((cell) => cell.distances !== undefined)) return args;
  for (const from of cells) {
    for (const to of cells) args.push("-numa", `dist,src=${from.id},dst=${to.id},val=${distance(from, to)}`);
  }
  return args;
}

/** A distance counts for both directions unless the other is given; 10 to itself, 20 if nobody says. */
function distance(from: NumaCell, to: NumaCell): number {
  const given = (a: NumaCell, b: NumaCell) => a.distances?.siblings.find((sibling) => sibling.id === b.id)?.value;
  return given(from, to) ?? given(to, from) ?? (from === to ? 10 : 20);
}

/** Memory devices. libvirt: qemuBuildMemoryDeviceProps. */
export function memoryDeviceArguments(build: Build, device: MemoryDevice): string[] {
  const { alias = "" } = device;
  const id = `mem${alias}`;
  const sizeKiB = aligned(device.target.sizeKiB, deviceAlignKiB);
  const backend = backendArguments(build, { alias: id, sizeKiB, device });
  return [
    ...backend,
    ...deviceArgument(build, {
      ...deviceProperties(build, device, id),
      id: alias,
      ...addressProperties(build.domain, device),
    }),
  ];
}

function deviceProperties(build: Build, device: MemoryDevice, memdev: string): Properties {
  switch (device.model) {
    case "dimm":
      return { driver: "pc-dimm", node: device.target.node, memdev };
    case "nvdimm":
      return {
        driver: "nvdimm",
        node: device.target.node,
        "label-size": device.target.label === undefined ? undefined : device.target.label.sizeKiB * 1024,
        memdev,
        unarmed: device.target.readonly ? true : undefined,
      };
    case "virtio-mem": {
      const preallocates =
        build.domain.memoryBacking?.allocation?.mode === "immediate" ||
        hugepagesFor(build, { alias: "", sizeKiB: 0, device }) !== undefined;
      return {
        driver: "virtio-mem-pci",
        node: device.target.node,
        "block-size": device.target.blockKiB * 1024,
        "requested-size": device.target.requestedKiB * 1024,
        memdev,
        prealloc: preallocates ? true : undefined,
        memaddr: device.target.base,
        "dynamic-memslots": device.target.dynamicMemslots === true ? true : undefined,
      };
    }
    case "virtio-pmem":
      return { driver: "virtio-pmem-pci", memdev, memaddr: device.target.base };
  }
}
