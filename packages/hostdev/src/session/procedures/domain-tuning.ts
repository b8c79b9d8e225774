// SPDX-License-Identifier: Apache-2.0

import { nodeSet } from "../../domain/node-set.ts";
import type { TypedParameter } from "../../rpc/objects.ts";
import type { ClientHandlers } from "./client.ts";
import { requireLive } from "./domain-block.ts";
import { requireSide } from "./domain-cpus.ts";
import { findDomain } from "./domain-reference.ts";
import {
  checkFlags,
  configUnsupported,
  invalidArgument,
  invalidState,
  operationUnsupported,
} from "./libvirt-errors.ts";

const typedStrings = 4;
/** `virDomainNumatuneMemMode`. */
const numaModes = ["strict", "preferred", "interleave", "restrictive"];
/** What a network could limit, and a session's cards cannot. */
const bandwidth = [
  "inbound.average",
  "inbound.peak",
  "inbound.burst",
  "inbound.floor",
  "outbound.average",
  "outbound.peak",
  "outbound.burst",
];
const perfEvents = [
  ...["cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses"],
  ...["branch_instructions", "branch_misses", "bus_cycles", "stalled_cycles_frontend", "stalled_cycles_backend"],
  ...["ref_cpu_cycles", "cpu_clock", "task_clock", "page_faults", "context_switches", "cpu_migrations"],
  ...["page_faults_min", "page_faults_maj", "alignment_faults", "emulation_faults"],
];

const noMemoryTuning = () => operationUnsupported("Memory tuning is not available in session mode");
const noBlockTuning = () => configUnsupported("Block I/O tuning is not available in session mode");

/** Shares and limits, most of which need control groups, and jobs, of which hostdev has none. */
export const domainTuningHandlers: ClientHandlers = {
  domainGetMemoryParameters: ({ session }, { domain }) => {
    findDomain(session, domain);
    throw noMemoryTuning();
  },
  domainSetMemoryParameters: ({ session }, { domain }) => {
    findDomain(session, domain);
    throw noMemoryTuning();
  },
  domainGetBlkioParameters: ({ session }, { domain }) => {
    findDomain(session, domain);
    throw noBlockTuning();
  },
  domainSetBlkioParameters: ({ session }, { domain }) => {
    findDomain(session, domain);
    throw noBlockTuning();
  },
  domainGetNumaParameters: ({ session }, { domain, count, flags }) => {
    checkFlags(flags, 3 | typedStrings);
    const found = findDomain(session, domain);
    const { numatune } = found.model({ inactive: requireSide(found, flags & 3) === "config" });
    const mode = Math.max(0, numaModes.indexOf(numatune?.memory?.mode ?? "strict"));
    const nodes = numatune?.memory?.nodes;
    return told(count, [
      { field: "numa_mode", value: { type: "int", value: mode } },
      { field: "numa_nodeset", value: { type: "string", value: nodes === undefined ? "" : nodeSet.format(nodes) } },
    ]);
  },
  domainGetInterfaceParameters: ({ session }, { domain, device, count, flags }) => {
    checkFlags(flags, 3 | typedStrings);
    const found = findDomain(session, domain);
    const { devices } = found.model({ inactive: requireSide(found, flags & 3) === "config" });
    const isThere = devices.interfaces.some(({ mac }) => mac?.toLowerCase() === device.toLowerCase());
    if (device !== "" && !isThere) throw invalidArgument(`Can't find device ${device}`);
    return told(
      count,
      bandwidth.map((field) => ({ field, value: { type: "uint", value: 0 } })),
    );
  },
  domainGetPerfEvents: ({ session }, { domain, flags }) => {
    checkFlags(flags, 3 | typedStrings);
    requireSide(findDomain(session, domain), flags & 3);
    return { params: perfEvents.map((field) => ({ field, value: { type: "boolean", value: false } })) };
  },
  domainGetJobInfo: ({ session }, { domain }) => {
    requireLive(findDomain(session, domain));
    return noJob;
  },
  domainGetJobStats: ({ session }, { domain, flags }) => {
    checkFlags(flags, 3); // of the last job, which there never was
    requireLive(findDomain(session, domain));
    return { type: 0, params: [] };
  },
  domainGetLaunchSecurityInfo: ({ session }, { domain, flags }) => {
    checkFlags(flags, typedStrings);
    findDomain(session, domain);
    return { params: [] }; // hostdev starts no guests with encrypted memory
  },
  domainAbortJob: ({ session }, { domain }) => {
    requireLive(findDomain(session, domain));
    throw invalidState("no job is active on the domain");
  },
  domainStartDirtyRateCalc: async ({ session }, { domain, seconds, flags }) => {
    const modes: Readonly<Record<number, string>> = {
      0: "page-sampling",
      1: "page-sampling",
      2: "dirty-bitmap",
      4: "dirty-ring",
    };
    const mode = modes[flags];
    if (mode === undefined) throw invalidArgument(`unsupported flags (0x${flags.toString(16)})`);
    if (seconds < 1 || seconds > 60)
      throw invalidArgument(`seconds=${seconds} is invalid, please choose value within [1, 60].`);
    const { process } = requireLive(findDomain(session, domain));
    await process.execute("calc-dirty-rate", { "calc-time": seconds, mode });
  },
};

const noJob = {
  type: 0,
  ...{ timeElapsed: 0n, timeRemaining: 0n, dataTotal: 0n, dataProcessed: 0n, dataRemaining: 0n },
  ...{ memTotal: 0n, memProcessed: 0n, memRemaining: 0n, fileTotal: 0n, fileProcessed: 0n, fileRemaining: 0n },
};

function told(count: number, params: readonly TypedParameter[]) {
  return { params: count === 0 ? [] : params.slice(0, count), count: params.length };
}
