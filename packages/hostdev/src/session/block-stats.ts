// SPDX-License-Identifier: Apache-2.0
import { fileError } from "../core/errno.ts";
import type { Host } from "../core/host.ts";
import type { Disk } from "../domain/devices/disk.ts";
import type { Domain } from "../domain/domain.ts";
import type { LiveVm } from "./live-vm.ts";
import type { BlockInfo, BlockStats, StatsField } from "./session-api.ts";
import { noGuestDevice } from "./session-errors.ts";
import { sourceOf } from "./summaries.ts";
import { aliasOf } from "./vm-events.ts";

/** What QEMU knows of one disk. */
export interface BlockFacts {
  readonly alias: string;
  /** The block node that the drive reads and writes; absent for an empty drive. */
  readonly node: string | undefined;
  readonly stats: BlockStats;
  /** Absent for an empty drive. */
  readonly capacity: bigint | undefined;
  /** How far the guest has written since the start, in the file. */
  readonly highestOffset: bigint | undefined;
  /** An event tells when the guest writes behind it; 0 is none. */
  readonly threshold: bigint;
}

/** All disks of a running VM. */
export async function allBlocks(vm: LiveVm): Promise<readonly BlockFacts[]> {
  const [drives, nodes] = await Promise.all([
    vm.process.execute("query-blockstats"),
    vm.process.execute("query-named-block-nodes", { flat: true }),
  ]);
  return drives.flatMap(({ qdev, device, "node-name": node, stats: s, parent }) => {
    const alias = aliasOf(qdev) ?? aliasOf(device);
    if (alias === undefined) return [];
    const image = nodes.find((one) => one["node-name"] === node)?.image;
    const storage = nodes.find((one) => one["node-name"] === node?.replace(/-format$/, "-storage"));
    return {
      alias,
      node,
      threshold: BigInt(storage?.write_threshold ?? 0),
      capacity: image === undefined ? undefined : BigInt(image["virtual-size"]),
      highestOffset: image === undefined ? undefined : BigInt((parent?.stats ?? s).wr_highest_offset),
      stats: {
        readRequests: BigInt(s.rd_operations),
        readBytes: BigInt(s.rd_bytes),
        readTimeNs: BigInt(s.rd_total_time_ns),
        writeRequests: BigInt(s.wr_operations),
        writeBytes: BigInt(s.wr_bytes),
        writeTimeNs: BigInt(s.wr_total_time_ns),
        flushRequests: BigInt(s.flush_operations),
        flushTimeNs: BigInt(s.flush_total_time_ns),
      },
    };
  });
}

/** The counters of one disk, or of all of them together. @throws {HostdevError} `HD_NO_GUEST_DEVICE`. */
export async function blockStats(vm: LiveVm, target: string): Promise<BlockStats> {
  const all = await allBlocks(vm);
  if (target === "") return all.map(({ stats }) => stats).reduce(sum, nothingCounted);
  const disk = findDisk(vm.domain, target);
  const facts = all.find(({ alias }) => alias === disk.alias);
  if (facts === undefined) throw noGuestDevice(vm.domain.name, `counters of disk ${target}`);
  return facts.stats;
}

const nothingCounted: BlockStats = {
  readRequests: 0n,
  readBytes: 0n,
  readTimeNs: 0n,
  writeRequests: 0n,
  writeBytes: 0n,
  writeTimeNs: 0n,
  flushRequests: 0n,
  flushTimeNs: 0n,
};

function sum(a: BlockStats, b: BlockStats): BlockStats {
  const keys = Object.keys(nothingCounted) as (keyof BlockStats)[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + b[key]])) as unknown as BlockStats;
}

/** The sizes of one disk; of a domain that does not run, by looking at its file. */
export async function blockInfo(
  host: Host,
  domain: Domain,
  vm: LiveVm | undefined,
  target: string,
): Promise<BlockInfo> {
  const disk = findDisk(domain, target);
  const facts = vm === undefined ? undefined : (await allBlocks(vm)).find(({ alias }) => alias === disk.alias);
  const sizes = fileSizes(host, disk);
  if (facts?.capacity !== undefined) {
    const allocation = facts.highestOffset || sizes?.allocation || 0n;
    return { capacity: facts.capacity, allocation, physical: sizes?.physical ?? allocation };
  }
  if (sizes === undefined) {
    const path = sourceOf(disk) ?? target;
    throw fileError("look at", path, "ENOENT");
  }
  return { capacity: capacityOf(host, disk) ?? sizes.physical, ...sizes };
}

/** The disk of that target, such as `vda`, or of that path. @throws {HostdevError} `HD_NO_GUEST_DEVICE`. */
export function findDisk({ name, devices }: Domain, target: string): Disk {
  const disk = devices.disks.find((one) => one.target.dev === target || sourceOf(one) === target);
  if (disk === undefined) throw noGuestDevice(name, `disk ${target}`);
  return disk;
}

/** How long a disk's file is, and how much of it is there. */
function fileSizes(host: Host, disk: Disk): { readonly physical: bigint; readonly allocation: bigint } | undefined {
  const path = disk.type === "file" ? host.realPath(disk.source?.file ?? "") : undefined;
  const status = path === undefined ? undefined : host.status(path);
  if (status === undefined) return undefined;
  return { physical: BigInt(status.sizeBytes), allocation: BigInt(status.allocatedBytes ?? status.sizeBytes) };
}

/** The size in the header of a qcow2 image. @see QEMU's docs/interop/qcow2.txt */
function capacityOf(host: Host, disk: Disk): bigint | undefined {
  if (disk.type !== "file" || disk.driver?.type !== "qcow2" || disk.source?.file === undefined) return undefined;
  const header = host.readBytes(disk.source.file, 32);
  if (header === undefined || header.length < 32) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  return view.getUint32(0) === 0x514649fb ? view.getBigUint64(24) : undefined;
}

/** The group `block` of a domain's statistics. */
export function blockFields(host: Host, domain: Domain, facts: readonly BlockFacts[]): StatsField[] {
  const { disks } = domain.devices;
  const fields: StatsField[] = [{ field: "block.count", type: "uint", value: disks.length }];
  for (const [index, disk] of disks.entries()) {
    const add = (name: string, value: bigint | undefined) => {
      if (value !== undefined) fields.push({ field: `block.${index}.${name}`, type: "ullong", value });
    };
    fields.push({ field: `block.${index}.name`, type: "string", value: disk.target.dev });
    const path = sourceOf(disk);
    if (path !== undefined) fields.push({ field: `block.${index}.path`, type: "string", value: path });
    const sizes = fileSizes(host, disk);
    const found = facts.find(({ alias }) => alias === disk.alias);
    if (found === undefined) {
      add("allocation", sizes?.allocation);
      add("capacity", sizes === undefined ? undefined : (capacityOf(host, disk) ?? sizes.physical));
      add("physical", sizes?.physical);
      continue;
    }
    const backingIndex = disk.source?.index;
    if (backingIndex !== undefined)
      fields.push({ field: `block.${index}.backingIndex`, type: "uint", value: backingIndex });
    const { stats } = found;
    add("rd.reqs", stats.readRequests);
    add("rd.bytes", stats.readBytes);
    add("rd.times", stats.readTimeNs);
    add("wr.reqs", stats.writeRequests);
    add("wr.bytes", stats.writeBytes);
    add("wr.times", stats.writeTimeNs);
    add("fl.reqs", stats.flushRequests);
    add("fl.times", stats.flushTimeNs);
    add("allocation", found.highestOffset);
    add("capacity", found.capacity);
    add("physical", found.capacity === undefined ? undefined : sizes?.physical);
    add("threshold", found.threshold === 0n ? undefined : found.threshold);
  }
  return fields;
}
