// SPDX-License-Identifier: Apache-2.0
import { domain, string, typedParameter } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { i32, list, nothing, opaque, struct, u32, u64 } from "../xdr.ts";

const changes = { writes: true };
/** A bit for each of the host's processors (`REMOTE_CPUMAP_MAX`). */
const cpuMap = opaque(2048);
/** A map for each of the guest's (`REMOTE_CPUMAPS_MAX`). */
const cpuMaps = opaque(8_388_608);
const vcpu = struct({ number: u32, state: i32, cpuTimeNs: u64, cpu: i32 });
const maxVcpus = 16_384;
const number = struct({ number: i32 });

/** Processors of a domain, and where on the host they run. */
export const domainCpuProcedures = {
  domainGetMaxVcpus: procedure(18, struct({ domain }), number),
  domainGetVcpus: procedure(
    20,
    struct({ domain, maxInfo: i32, mapBytes: i32 }),
    struct({ vcpus: list(vcpu, maxVcpus), cpuMaps }),
  ),
  domainPinVcpu: procedure(26, struct({ domain, vcpu: u32, cpuMap }), nothing, changes),
  domainSetVcpus: procedure(32, struct({ domain, vcpus: u32 }), nothing, changes),
  domainSetVcpusFlags: procedure(199, struct({ domain, vcpus: u32, flags: u32 }), nothing, changes),
  domainGetVcpusFlags: procedure(200, struct({ domain, flags: u32 }), number),
  domainPinVcpuFlags: procedure(225, struct({ domain, vcpu: u32, cpuMap, flags: u32 }), nothing, changes),
  domainGetVcpuPinInfo: procedure(
    230,
    struct({ domain, maps: i32, mapBytes: i32, flags: u32 }),
    struct({ cpuMaps, count: i32 }),
  ),
  domainGetCpuStats: procedure(
    262,
    struct({ domain, count: u32, startCpu: i32, cpus: u32, flags: u32 }),
    struct({ params: list(typedParameter, 2048), count: i32 }),
  ),
  domainPinEmulator: procedure(279, struct({ domain, cpuMap, flags: u32 }), nothing, changes),
  domainGetEmulatorPinInfo: procedure(
    280,
    struct({ domain, mapBytes: i32, flags: u32 }),
    struct({ cpuMaps, found: i32 }),
  ),
  domainGetIothreadInfo: procedure(
    351,
    struct({ domain, flags: u32 }),
    struct({ items: list(struct({ id: u32, cpuMap }), 16_384), count: u32 }),
  ),
  domainAddIothread: procedure(355, struct({ domain, id: u32, flags: u32 }), nothing, changes),
  domainDelIothread: procedure(356, struct({ domain, id: u32, flags: u32 }), nothing, changes),
  domainSetVcpu: procedure(384, struct({ domain, vcpus: string, state: i32, flags: u32 }), nothing, changes),
};
