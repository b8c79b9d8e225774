// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import type { Disk } from "../../domain/devices/disk.ts";
import type { Domain } from "../../domain/domain.ts";
import { allBlocks } from "../block-stats.ts";
import { hostSide, readCardCounters } from "../card-counters.ts";
import type { LiveVm } from "../live-vm.ts";
import type { SessionDomain } from "../session-api.ts";
import { sourceOf } from "../summaries.ts";
import type { ClientHandlers } from "./client.ts";
import { requireSide } from "./domain-cpus.ts";
import { findDomain } from "./domain-reference.ts";
import { checkFlags, internalError, invalidArgument, operationUnsupported } from "./libvirt-errors.ts";

/** `VIR_DOMAIN_BLOCK_RESIZE_BYTES`. */
const bytesFlag = 1;

/** Figures and sizes of disks and network cards. */
export const domainBlockHandlers: ClientHandlers = {
  domainBlockStats: async ({ session }, { domain, path }) => {
    const { readRequests, readBytes, writeRequests, writeBytes } = await blockStats(findDomain(session, domain), path);
    return { readRequests, readBytes, writeRequests, writeBytes, errors: -1n };
  },
  domainBlockStatsFlags: async ({ session }, { domain, path, count, flags }) => {
    checkFlags(flags, 4); // typed strings
    const stats = await blockStats(findDomain(session, domain), path);
    const values = [
      ["wr_bytes", stats.writeBytes],
      ["wr_operations", stats.writeRequests],
      ["rd_bytes", stats.readBytes],
      ["rd_operations", stats.readRequests],
      ["flush_operations", stats.flushRequests],
      ["wr_total_times", stats.writeTimeNs],
      ["rd_total_times", stats.readTimeNs],
      ["flush_total_times", stats.flushTimeNs],
    ] as const;
    const params = values.map(([field, value]) => ({ field, value: { type: "llong", value } as const }));
    return { params: count === 0 ? [] : params.slice(0, count), count: params.length };
  },
  domainGetBlockInfo: async ({ session }, { domain, path, flags }) => {
    checkFlags(flags, 0);
    const found = findDomain(session, domain);
    const disk = requireDisk(found.model(), path, `invalid path ${path} not assigned to domain`);
    if (sourceOf(disk) === undefined) throw invalidArgument(`disk '${path}' does not currently have a source assigned`);
    return found.blockInfo(path);
  },
  domainGetDiskErrors: async ({ session }, { domain, max, flags }) => {
    checkFlags(flags, 0);
    const vm = requireLive(findDomain(session, domain));
    const drives = await vm.process.execute("query-block");
    const errors = vm.domain.devices.disks.flatMap(({ alias, target }) => {
      const status = drives.find(({ qdev }) => isDriveOf(qdev, alias))?.["io-status"];
      return status === "failed" || status === "nospace"
        ? [{ disk: target.dev, error: status === "failed" ? 1 : 2 }]
        : [];
    });
    return { errors: errors.slice(0, max), count: max === 0 ? vm.domain.devices.disks.length : errors.length };
  },
  domainBlockResize: async ({ session }, { domain, disk: name, size, flags }) => {
    checkFlags(flags, bytesFlag);
    const vm = requireLive(findDomain(session, domain));
    const disk = requireDisk(vm.domain, name, `disk '${name}' was not found in the domain config`);
    const facts = (await allBlocks(vm)).find(({ alias }) => alias === disk.alias);
    if (facts?.node === undefined || disk.readonly === true)
      throw operationUnsupported(`can't resize empty or readonly disk '${name}'`);
    const bytes = Number((flags & bytesFlag) === 0 ? size * 1024n : size);
    await vm.process.execute("block_resize", { "node-name": facts.node, size: 512 * Math.ceil(bytes / 512) });
  },
  domainSetBlockThreshold: async ({ session }, { domain, device, bytes, flags }) => {
    checkFlags(flags, 0);
    const vm = requireLive(findDomain(session, domain));
    const [, name = device, wanted] = /^([^[]+)\[(\d+)\]$/.exec(device) ?? [];
    const disk = requireDisk(vm.domain, name, `failed to find disk '${name}'`);
    const index = wanted ?? disk.source?.index;
    if (index === undefined) throw invalidArgument(`disk '${name}' does not currently have a source assigned`);
    const node = `libvirt-${index}-storage`;
    await vm.process.execute("block-set-write-threshold", { "node-name": node, "write-threshold": Number(bytes) });
  },
  domainGetBlockJobInfo: ({ session }, { domain, path, flags }) => {
    checkFlags(flags, 1);
    const { domain: live } = requireLive(findDomain(session, domain));
    requireDisk(live, path, `disk '${path}' not found in domain`);
    return { found: 0, type: 0, bandwidth: 0n, current: 0n, end: 0n }; // hostdev starts no jobs
  },
  domainInterfaceStats: ({ host, session }, { domain, device }) => {
    const { domain: live } = requireLive(findDomain(session, domain));
    return interfaceStats(host, live, device);
  },
};

/** @throws {HostdevError} libvirt's error for a domain that does not run. */
export function requireLive(domain: SessionDomain): LiveVm {
  requireSide(domain, 1);
  return domain.requireVm("look at");
}

/** The disk of that target or path. @throws {HostdevError} libvirt's error, with this text. */
export function requireDisk({ devices }: Domain, name: string, text: string): Disk {
  const disk = devices.disks.find((one) => one.target.dev === name || sourceOf(one) === name);
  if (disk === undefined) throw invalidArgument(text);
  return disk;
}

/** Whether QEMU means a disk by this id or QOM path. */
export function isDriveOf(qdev: string | undefined, alias: string | undefined): boolean {
  return alias !== undefined && (qdev === alias || qdev?.startsWith(`/machine/peripheral/${alias}/`) === true);
}

function blockStats(domain: SessionDomain, path: string) {
  const vm = requireLive(domain);
  if (path !== "") requireDisk(vm.domain, path, `invalid path: ${path}`);
  return domain.blockStats(path);
}

function interfaceStats(host: Host, { devices }: Domain, device: string) {
  const card = devices.interfaces.find(
    (one) => one.mac?.toLowerCase() === device.toLowerCase() || (hostSide(one) ?? "") === device,
  );
  if (card === undefined) throw invalidArgument(`'${device}' is not a known interface`);
  const name = hostSide(card);
  if (name === undefined) throw internalError("Interface name not provided");
  const { rx, tx } = readCardCounters(host, name);
  return {
    ...{ rxBytes: rx.bytes, rxPackets: rx.packets, rxErrors: rx.errors, rxDrop: rx.dropped },
    ...{ txBytes: tx.bytes, txPackets: tx.packets, txErrors: tx.errors, txDrop: tx.dropped },
  };
}
