// SPDX-License-Identifier: Apache-2.0
import { domain, maxObjects, string, typedParameter } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { i32, list, nothing, struct, u32, u64 } from "../xdr.ts";

const target = struct({ domain });

/** Memory and figures of a domain. */
export const domainStatisticsProcedures = {
  domainGetMaxMemory: procedure(17, target, struct({ memoryKiB: u64 })),
  domainSetMaxMemory: procedure(30, struct({ domain, memoryKiB: u64 }), nothing, { writes: true }),
  domainSetMemory: procedure(31, struct({ domain, memoryKiB: u64 }), nothing, { writes: true }),
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
  domainSetMemoryFlags: procedure(204, struct({ domain, memoryKiB: u64, flags: u32 }), nothing, { writes: true }),
  domainSetMemoryStatsPeriod: procedure(308, struct({ domain, seconds: i32, flags: u32 }), nothing, { writes: true }),
  connectGetAllDomainStats: procedure(
    344,
    struct({ domains: list(domain, maxObjects), stats: u32, flags: u32 }),
    struct({ records: list(struct({ domain, params: list(typedParameter, 262_144) }), maxObjects) }),
  ),
};
