// SPDX-License-Identifier: Apache-2.0

/** Guest memory: how much, backed by what, on which nodes. libvirt: qemuBuildMemoryBackendProps. */
import type { NumaCell } from "../../domain/cpu.ts";
import type { MemoryDevice } from "../../domain/devices/memory-device.ts";
import type { Domain } from "../../domain/domain.ts";
import { ranges } from "../../domain/node-set.ts";
import { invalid } from "../../xml/complaint.ts";
import { addressProperties } from "./address.ts";
import { type Build, deviceArgument, keyValues, objectArgument, type Properties } from "./options.ts";

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

interface BackendRequest {
  readonly alias: string;
  readonly sizeKiB: number;
  /** The guest's NUMA node. */
  readonly node?: number | undefined;
  readonly cell?: NumaCell | undefined;
  readonly device?: MemoryDevice | undefined;
  /** All memory of a machine without NUMA. */
  readonly systemMemory?: boolean;
}

function backendArguments(build: Build, request: BackendRequest): string[] {
  const { domain, environment } = build;
  const { device } = request;
  const inNode = device !== undefined && "node" in device.target ? device.target.node : undefined;
  const cell = request.cell ?? cellsOf(domain).find((candidate) => candidate.id === inNode);
  const backing = domain.memoryBacking;
  const nvdimm = device?.model === "nvdimm" ? device.source : undefined;
  const pmem = device?.model === "virtio-pmem" ? device.source : nvdimm;
  const huge = pmem === undefined ? hugepagesFor(build, request) : undefined;
  const share =
    device?.access ??
    cell?.memAccess ??
    (request.systemMemory || request.node !== undefined || device !== undefined ? backing?.access : undefined);
  const discard =
    device?.discard ??
    cell?.discard ??
    (backing?.discard === true && (huge !== undefined || backing.source === "file") ? true : undefined);
  const file = pmem === undefined && (backing?.source !== undefined || share !== undefined);
  const isMemfd = pmem === undefined && backing?.source === "memfd";
  const isFile = pmem !== undefined || huge !== undefined || (file && !isMemfd);
  let properties: Properties;
  let prealloc = backing?.allocation?.mode === "immediate" || pmem !== undefined;
  if (nvdimm?.pmem === true) prealloc = false;
  if (device?.model === "virtio-pmem") prealloc = backing?.allocation?.mode === "immediate";
  if (isMemfd) {
    properties = {
      "qom-type": "memory-backend-memfd",
      id: request.alias,
      hugetlb: huge === undefined ? undefined : true,
      hugetlbsize: huge === undefined ? undefined : huge.sizeKiB * 1024,
    };
    if (huge !== undefined) prealloc = true;
  } else if (isFile) {
    const path =
      pmem !== undefined
        ? pmem.path
        : huge !== undefined
          ? huge.directory
          : `${environment.memoryDirectory}/${request.alias}`;
    properties = {
      "qom-type": "memory-backend-file",
      id: request.alias,
      "mem-path": path,
      "discard-data": discard,
    };
    if (huge !== undefined) prealloc = true;
  } else {
    properties = { "qom-type": "memory-backend-ram", id: request.alias };
  }
  const isVirtioMem = device?.model === "virtio-mem";
  if (isVirtioMem) prealloc = false;
  const nodes = hostNodes(build, request);
  const withContext = prealloc && nodes !== undefined && environment.capabilities.threadContext;
  const context = withContext ? `tc-${request.alias}` : undefined;
  const backend = objectArgument({
    ...properties,
    share: share === undefined ? undefined : share === "shared",
    "x-use-canonical-path-for-ramblock-id": request.systemMemory === true && (isFile || isMemfd) ? false : undefined,
    prealloc: prealloc ? true : undefined,
    "prealloc-threads": prealloc ? backing?.allocation?.threads : undefined,
    reserve: isVirtioMem ? false : undefined,
    size: request.sizeKiB * 1024,
    align: nvdimm?.alignSizeKiB === undefined ? undefined : nvdimm.alignSizeKiB * 1024,
    pmem: nvdimm?.pmem === true ? true : undefined,
    "host-nodes": nodes?.nodes,
    policy: nodes?.policy,
    "prealloc-context": context,
  });
  if (context === undefined) return backend;
  return [...objectArgument({ "qom-type": "thread-context", id: context, "node-affinity": nodes?.nodes }), ...backend];
}

/** The hugepages that back a piece of memory, if any do. */
function hugepagesFor({ domain, environment }: Build, { node, device, systemMemory }: BackendRequest) {
  const asked =
    device !== undefined && (device.model === "dimm" || device.model === "virtio-mem")
      ? device.source?.pageSizeKiB
      : undefined;
  const hugepages = domain.memoryBacking?.hugepages;
  if (asked === undefined && hugepages === undefined) return undefined;
  const [usual] = environment.hugepages;
  let sizeKiB = asked;
  if (sizeKiB === undefined && hugepages !== undefined) {
    if (hugepages.pages.length === 0) sizeKiB = usual?.sizeKiB;
    else {
      const where = device === undefined ? node : "node" in device.target ? device.target.node : undefined;
      const forNode = hugepages.pages.find((page) => where !== undefined && page.nodes?.includes(where));
      const forAll = hugepages.pages.find((page) => page.nodes === undefined);
      const page = forNode ?? forAll ?? (systemMemory === true ? hugepages.pages[0] : undefined);
      if (page === undefined) return undefined;
      sizeKiB = page.sizeKiB;
    }
  }
  // Pages of the system's own size are no hugepages.
  if (sizeKiB === 4) return undefined;
  const mounted = environment.hugepages.find((mount) => mount.sizeKiB === sizeKiB);
  if (mounted === undefined) {
    throw invalid(hugepages ?? domain, `hugepages of ${sizeKiB ?? "the default"} KiB are not mounted on this machine`);
  }
  return mounted;
}

const policies = { strict: "bind", preferred: "preferred", interleave: "interleave" } as const;

/** The host's NUMA nodes for a piece of memory. */
function hostNodes({ domain, environment }: Build, { node, device }: BackendRequest) {
  const tune = domain.numatune;
  const own =
    device !== undefined && (device.model === "dimm" || device.model === "virtio-mem")
      ? device.source?.nodes
      : undefined;
  const cell = node ?? (device !== undefined && "node" in device.target ? device.target.node : undefined);
  const memnode = cell === undefined ? undefined : tune?.memnodes.find((entry) => entry.cellId === cell);
  const mode = memnode?.mode ?? tune?.memory?.mode ?? "strict";
  const nodes = own ?? memnode?.nodes ?? tune?.memory?.nodes;
  const missing = nodes?.find((number) => !environment.hostNodes.includes(number));
  if (missing !== undefined)
    throw invalid(memnode ?? tune?.memory ?? device ?? domain, `this host has no NUMA node ${missing}`);
  if (mode === "restrictive") return undefined;
  return nodes === undefined ? undefined : { nodes, policy: policies[mode] };
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
