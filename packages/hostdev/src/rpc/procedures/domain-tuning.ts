// SPDX-License-Identifier: Apache-2.0
import { domain, string, typedParameter } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { i32, list, nothing, struct, u32 } from "../xdr.ts";

const changes = { writes: true };
const asked = struct({ domain, count: i32, flags: u32 });
const params = list(typedParameter, 64);
const told = struct({ params, count: i32 });
const given = struct({ domain, params, flags: u32 });

/** Shares and limits of a domain on the host, and jobs that go on in it. */
export const domainTuningProcedures = {
  domainAbortJob: procedure(164, struct({ domain }), nothing, changes),
  domainSetMemoryParameters: procedure(197, given, nothing, changes),
  domainGetMemoryParameters: procedure(198, asked, told),
  domainSetBlkioParameters: procedure(205, given, nothing, changes),
  domainGetBlkioParameters: procedure(206, asked, told),
  domainGetNumaParameters: procedure(255, asked, told),
  domainGetInterfaceParameters: procedure(257, struct({ domain, device: string, count: i32, flags: u32 }), told),
  domainGetJobStats: procedure(298, struct({ domain, flags: u32 }), struct({ type: i32, params })),
  domainGetPerfEvents: procedure(365, struct({ domain, flags: u32 }), struct({ params })),
  domainGetLaunchSecurityInfo: procedure(396, struct({ domain, flags: u32 }), struct({ params })),
  domainStartDirtyRateCalc: procedure(427, struct({ domain, seconds: i32, flags: u32 }), nothing, changes),
};
