// SPDX-License-Identifier: Apache-2.0
import { domain, optionalString, string, typedParameter } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { i32, i64, list, nothing, struct, u32, u64 } from "../xdr.ts";

const changes = { writes: true };
const params = list(typedParameter, 32);

/** Disks and network cards of a domain: figures, sizes, limits. */
export const domainBlockProcedures = {
  domainBlockStats: procedure(
    64,
    struct({ domain, path: string }),
    struct({ readRequests: i64, readBytes: i64, writeRequests: i64, writeBytes: i64, errors: i64 }),
  ),
  domainInterfaceStats: procedure(
    65,
    struct({ domain, device: string }),
    struct({
      rxBytes: i64,
      rxPackets: i64,
      rxErrors: i64,
      rxDrop: i64,
      txBytes: i64,
      txPackets: i64,
      txErrors: i64,
      txDrop: i64,
    }),
  ),
  domainGetBlockInfo: procedure(
    194,
    struct({ domain, path: string, flags: u32 }),
    struct({ allocation: u64, capacity: u64, physical: u64 }),
  ),
  domainGetBlockJobInfo: procedure(
    238,
    struct({ domain, path: string, flags: u32 }),
    struct({ found: i32, type: i32, bandwidth: u64, current: u64, end: u64 }),
  ),
  domainBlockStatsFlags: procedure(
    243,
    struct({ domain, path: string, count: i32, flags: u32 }),
    struct({ params: list(typedParameter, 16), count: i32 }),
  ),
  domainBlockResize: procedure(251, struct({ domain, disk: string, size: u64, flags: u32 }), nothing, changes),
  domainSetBlockIoTune: procedure(252, struct({ domain, disk: string, params, flags: u32 }), nothing, changes),
  domainGetBlockIoTune: procedure(
    253,
    struct({ domain, disk: optionalString, count: i32, flags: u32 }),
    struct({ params, count: i32 }),
  ),
  domainGetDiskErrors: procedure(
    263,
    struct({ domain, max: u32, flags: u32 }),
    struct({ errors: list(struct({ disk: string, error: i32 }), 256), count: i32 }),
  ),
  domainSetBlockThreshold: procedure(386, struct({ domain, device: string, bytes: u64, flags: u32 }), nothing, changes),
};
