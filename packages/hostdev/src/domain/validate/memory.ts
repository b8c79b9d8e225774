// SPDX-License-Identifier: Apache-2.0

import { invalid } from "../../xml/complaint.ts";
import { unlimitedKiB } from "../../xml/sizes.ts";
import type { Domain } from "../domain.ts";

/** Rules about memory, NUMA cells and hugepages. */
export function validateMemory(domain: Domain): void {
  validateCells(domain);
  validateTune(domain);
  validateHugepages(domain);
  validateDevices(domain);
  validateSharing(domain);
}

/** Other programs reach into the guest's memory for some devices, so it must be shared. */
function validateSharing({ cpu, memoryBacking, devices }: Domain): void {
  const cells = cpu?.numa?.cells ?? [];
  const general = memoryBacking?.access === "shared";
  const isShared =
    cells.length === 0
      ? general
      : cells.every((cell) => (cell.memAccess ?? (general ? "shared" : "private")) === "shared");
  if (isShared) return;
  const users = [
    ...devices.disks.filter((disk) => disk.type === "vhostuser"),
    ...devices.interfaces.filter((card) => card.type === "vhostuser"),
    ...devices.filesystems.filter((filesystem) => filesystem.driver?.type === "virtiofs"),
  ];
  const [first] = users;
  if (first !== undefined) throw invalid(first, "it needs shared memory: <memoryBacking> with <access mode='shared'/>");
}

/** Sizes are rounded up to whole MiB. */
const largestKiB = unlimitedKiB - 2048;

function validateCells({ cpu, memory }: Domain): void {
  const cells = cpu?.numa?.cells ?? [];
  for (const [index, cell] of cells.entries()) {
    if (cell.id !== index) throw invalid(cell, "NUMA cells must be numbered from 0, each once, without gaps");
    if (cell.memoryKiB > largestKiB) throw invalid(cell, `a memory of ${cell.memoryKiB} KiB is too large`);
    for (const sibling of cell.distances?.siblings ?? []) {
      if (sibling.id >= cells.length) throw invalid(sibling, `there is no NUMA cell ${sibling.id}`);
    }
  }
  if (memory !== undefined && memory.memoryKiB > largestKiB)
    throw invalid(memory, `a memory of ${memory.memoryKiB} KiB is too large`);
}

function validateTune({ cpu, numatune }: Domain): void {
  const cells = cpu?.numa?.cells.length ?? 0;
  const seen = new Set<number>();
  for (const memnode of numatune?.memnodes ?? []) {
    if (memnode.cellId >= cells) throw invalid(memnode, `there is no NUMA cell ${memnode.cellId}`);
    if (seen.has(memnode.cellId)) throw invalid(memnode, `NUMA cell ${memnode.cellId} is named twice`);
    seen.add(memnode.cellId);
    const memory = numatune?.memory;
    if (memory === undefined) continue;
    if ((memnode.mode === "restrictive") !== (memory.mode === "restrictive")) {
      throw invalid(memnode, "mode 'restrictive' must be that of <memory> and of every <memnode>, or of none");
    }
  }
}

function validateHugepages({ cpu, memoryBacking }: Domain): void {
  const cells = cpu?.numa?.cells.length ?? 0;
  const pages = memoryBacking?.hugepages?.pages ?? [];
  const served = new Set<number>();
  let general = false;
  for (const page of pages) {
    const isGeneral = page.nodes === undefined || (cells === 0 && page.nodes.every((node) => node === 0));
    if (isGeneral) {
      if (general) throw invalid(page, "two sizes of hugepages are for all of the memory");
      general = true;
      continue;
    }
    for (const node of page.nodes ?? []) {
      if (node >= cells) throw invalid(page, `there is no NUMA cell ${node}`);
      if (served.has(node)) throw invalid(page, `NUMA cell ${node} has two sizes of hugepages`);
      served.add(node);
    }
  }
}

function validateDevices({ cpu, devices, maxMemory, memory }: Domain): void {
  const cells = cpu?.numa?.cells.length ?? 0;
  if (maxMemory !== undefined && cells === 0)
    throw invalid(maxMemory, "memory devices need a NUMA cell, in <cpu>, that they are in");
  for (const device of devices.memories) {
    const node = "node" in device.target ? device.target.node : undefined;
    if (node !== undefined && node >= Math.max(cells, 1))
      throw invalid(device, `there is no NUMA cell ${node}; the guest has ${cells}`);
    const isModule = device.model === "dimm" || device.model === "nvdimm";
    if (maxMemory === undefined) throw invalid(device, "memory devices need <maxMemory>");
    if (isModule && node === undefined && cells > 0) throw invalid(device.target, "element <node> is missing");
    if (device.model === "virtio-mem" && device.target.requestedKiB > device.target.sizeKiB) {
      throw invalid(device.target, `requested are ${device.target.requestedKiB} KiB of ${device.target.sizeKiB}`);
    }
  }
  if (maxMemory !== undefined && maxMemory.memoryKiB < (memory?.memoryKiB ?? 0)) {
    throw invalid(maxMemory, `it is less than the memory of ${memory?.memoryKiB} KiB`);
  }
}
