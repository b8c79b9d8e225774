// SPDX-License-Identifier: Apache-2.0

/** What guest memory is made of: ordinary memory, files, hugepages, memfd; and on which nodes of the host. */
import type { NumaCell } from "../../domain/cpu.ts";
import type { MemoryDevice } from "../../domain/devices/memory-device.ts";
import { invalid } from "../../xml/complaint.ts";
import { type Build, objectArgument, type Properties } from "./options.ts";

/** A piece of guest memory that wants an object behind it. */
export interface BackendRequest {
  readonly alias: string;
  readonly sizeKiB: number;
  /** The guest's NUMA node. */
  readonly node?: number | undefined;
  readonly cell?: NumaCell | undefined;
  readonly device?: MemoryDevice | undefined;
  /** All memory of a machine without NUMA. */
  readonly systemMemory?: boolean;
}

/** The object behind a piece of memory. libvirt: qemuBuildMemoryBackendProps. */
export function backendArguments(build: Build, request: BackendRequest): string[] {
  const { domain, environment } = build;
  const { device } = request;
  const inNode = device !== undefined && "node" in device.target ? device.target.node : undefined;
  const cell = request.cell ?? (domain.cpu?.numa?.cells ?? []).find((candidate) => candidate.id === inNode);
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
  const isMemfd =
    pmem === undefined && (backing?.source === "memfd" || (huge !== undefined && huge.directory === undefined));
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
          ? (huge.directory ?? "")
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
  const near = nodes === undefined ? [] : reachableNodes(build, nodes.nodes);
  const withContext = prealloc && near.length > 0 && environment.capabilities.threadContext;
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
  return [...objectArgument({ "qom-type": "thread-context", id: context, "node-affinity": near }), ...backend];
}

/** The hugepages that back a piece of memory, if any do. */
export function hugepagesFor({ domain, environment }: Build, { node, device, systemMemory }: BackendRequest) {
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
    throw invalid(hugepages ?? domain, `hugepages of ${sizeKiB ?? "the default"} KiB are not there on this machine`);
  }
  return mounted;
}

/** Of these nodes, those on whose CPUs the threads that touch the memory may run. */
function reachableNodes({ domain, environment }: Build, nodes: readonly number[]): readonly number[] {
  const cpus = domain.cputune?.emulatorpin?.cpuset ?? domain.vcpu?.cpuset;
  if (cpus === undefined || environment.nodesOfCpus === undefined) return nodes;
  const usable = environment.nodesOfCpus(cpus);
  return nodes.filter((node) => usable.includes(node));
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
