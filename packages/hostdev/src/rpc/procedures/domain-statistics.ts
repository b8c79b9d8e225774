// SPDX-License-Identifier: Apache-2.0
import { domain, maxObjects, string, typedParameter } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { i32, list, nothing, opaque, optional, struct, u32, u64 } from "../xdr.ts";

const target = struct({ domain });
const maxVcpus = 16_384;
const vcpu = struct({ number: u32, state: i32, cpuTimeNs: u64, cpu: i32 });
const address = struct({ type: i32, address: string, prefix: u32 });
const guestInterface = struct({ name: string, mac: optional(string), addresses: list(address, 2048) });

/** Memory, processors and figures of a domain. */
export const domainStatisticsProcedures = {
  domainGetMaxMemory: procedure(17, target, struct({ memoryKiB: u64 })),
  domainGetMaxVcpus: procedure(18, target, struct({ number: i32 })),
  domainGetVcpus: procedure(
    20,
    struct({ domain, maxInfo: i32, mapBytes: i32 }),
    struct({ vcpus: list(vcpu, maxVcpus), cpuMaps: opaque(8_388_608) }),
  ),
  domainGetSchedulerType: procedure(56, target, struct({ type: string, count: i32 })),
  domainMemoryStats: procedure(
    159,
    struct({ domain, max: u32, flags: u32 }),
    struct({ stats: list(struct({ tag: i32, value: u64 }), 1024) }),
  ),
  domainGetJobInfo: procedure(
    163,
    target,
    struct({
      type: i32,
      timeElapsed: u64,
      timeRemaining: u64,
      dataTotal: u64,
      dataProcessed: u64,
      dataRemaining: u64,
      memTotal: u64,
      memProcessed: u64,
      memRemaining: u64,
      fileTotal: u64,
      fileProcessed: u64,
      fileRemaining: u64,
    }),
  ),
  domainSetVcpusFlags: procedure(199, struct({ domain, vcpus: u32, flags: u32 }), nothing, { writes: true }),
  domainGetVcpusFlags: procedure(200, struct({ domain, flags: u32 }), struct({ number: i32 })),
  domainSetMemoryFlags: procedure(204, struct({ domain, memoryKiB: u64, flags: u32 }), nothing, { writes: true }),
  connectGetAllDomainStats: procedure(
    344,
    struct({ domains: list(domain, maxObjects), stats: u32, flags: u32 }),
    struct({ records: list(struct({ domain, params: list(typedParameter, 262_144) }), maxObjects) }),
  ),
  domainInterfaceAddresses: procedure(
    353,
    struct({ domain, source: u32, flags: u32 }),
    struct({ interfaces: list(guestInterface, 2048) }),
  ),
};
