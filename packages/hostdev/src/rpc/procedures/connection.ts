// SPDX-License-Identifier: Apache-2.0
import { domain, optionalString, string } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { flag, i32, list, nothing, optional, struct, u32, u64 } from "../xdr.ts";

const version = struct({ version: u64 });
const callback = struct({ callbackId: i32 });

/** Opening, closing and describing a connection, and its events. */
export const connectionProcedures = {
  connectOpen: procedure(1, struct({ name: optionalString, flags: u32 }), nothing, { beforeOpen: true }),
  connectClose: procedure(2, nothing, nothing, { beforeOpen: true }),
  connectGetType: procedure(3, nothing, struct({ type: string })),
  connectGetVersion: procedure(4, nothing, version),
  connectGetMaxVcpus: procedure(5, struct({ type: optionalString }), struct({ maxVcpus: i32 })),
  connectGetCapabilities: procedure(7, nothing, struct({ capabilities: string })),
  connectGetHostname: procedure(59, nothing, struct({ hostname: string })),
  connectSupportsFeature: procedure(60, struct({ feature: i32 }), struct({ supported: flag }), { beforeOpen: true }),
  authList: procedure(66, nothing, struct({ types: list(i32, 20) }), { beforeOpen: true }),
  connectGetUri: procedure(110, nothing, struct({ uri: string })),
  connectIsSecure: procedure(149, nothing, struct({ secure: flag })),
  connectGetLibVersion: procedure(157, nothing, version),
  connectGetSysinfo: procedure(203, struct({ flags: u32 }), struct({ sysinfo: string })),
  connectGetCpuModelNames: procedure(
    312,
    struct({ arch: string, needResults: flag, flags: u32 }),
    struct({ models: list(string, 8192), count: i32 }),
  ),
  connectDomainEventCallbackRegisterAny: procedure(316, struct({ eventId: i32, domain: optional(domain) }), callback),
  connectDomainEventCallbackDeregisterAny: procedure(317, callback),
  connectGetDomainCapabilities: procedure(
    342,
    struct({
      emulator: optionalString,
      arch: optionalString,
      machine: optionalString,
      virtType: optionalString,
      flags: u32,
    }),
    struct({ capabilities: string }),
  ),
  connectRegisterCloseCallback: procedure(360),
  connectUnregisterCloseCallback: procedure(361),
};
