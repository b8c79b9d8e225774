// SPDX-License-Identifier: Apache-2.0
import { domain, optionalString, string, typedParameter } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { i32, i64, list, nothing, optional, struct, u32, u64 } from "../xdr.ts";

const changes = { writes: true };
const withFlags = struct({ domain, flags: u32 });
const address = struct({ type: i32, address: string, prefix: u32 });
const guestInterface = struct({ name: string, mac: optional(string), addresses: list(address, 2048) });
const fileSystem = struct({ mountPoint: string, name: string, type: string, disks: list(string, 256) });
const mountPoints = struct({ domain, mountPoints: list(string, 256), flags: u32 });
const fileSystems = struct({ fileSystems: i32 });

/** The guest as its user would touch it: keys, screen, and what its agent does and tells. */
export const domainGuestProcedures = {
  domainInjectNmi: procedure(210, withFlags, nothing, changes),
  domainScreenshot: procedure(211, struct({ domain, screen: u32, flags: u32 }), struct({ mime: optionalString }), {
    streams: true,
  }),
  domainSendKey: procedure(
    226,
    struct({ domain, codeSet: u32, holdTimeMs: u32, keys: list(u32, 16), flags: u32 }),
    nothing,
    changes,
  ),
  domainPmSuspendForDuration: procedure(
    261,
    struct({ domain, target: u32, seconds: u64, flags: u32 }),
    nothing,
    changes,
  ),
  domainPmWakeup: procedure(267, withFlags, nothing, changes),
  domainGetHostname: procedure(277, withFlags, struct({ hostname: string })),
  domainFstrim: procedure(
    294,
    struct({ domain, mountPoint: optionalString, minimum: u64, flags: u32 }),
    nothing,
    changes,
  ),
  domainFsfreeze: procedure(335, mountPoints, fileSystems, changes),
  domainFsthaw: procedure(336, mountPoints, fileSystems, changes),
  domainGetTime: procedure(337, withFlags, struct({ seconds: i64, nanoseconds: u32 })),
  domainSetTime: procedure(338, struct({ domain, seconds: i64, nanoseconds: u32, flags: u32 }), nothing, changes),
  domainGetFsinfo: procedure(349, withFlags, struct({ items: list(fileSystem, 256), count: u32 })),
  domainInterfaceAddresses: procedure(
    353,
    struct({ domain, source: u32, flags: u32 }),
    struct({ interfaces: list(guestInterface, 2048) }),
  ),
  domainSetUserPassword: procedure(
    357,
    struct({ domain, user: optionalString, password: optionalString, flags: u32 }),
    nothing,
    changes,
  ),
  domainGetGuestVcpus: procedure(371, withFlags, struct({ params: list(typedParameter, 64) })),
  domainSetGuestVcpus: procedure(372, struct({ domain, vcpus: string, state: i32, flags: u32 }), nothing, changes),
  domainAgentSetResponseTimeout: procedure(
    420,
    struct({ domain, timeout: i32, flags: u32 }),
    struct({ result: i32 }),
    changes,
  ),
  domainAuthorizedSshKeysGet: procedure(
    424,
    struct({ domain, user: string, flags: u32 }),
    struct({ keys: list(string, 2048) }),
  ),
  domainAuthorizedSshKeysSet: procedure(
    425,
    struct({ domain, user: string, keys: list(string, 2048), flags: u32 }),
    nothing,
    changes,
  ),
  domainGetGuestInfo: procedure(
    418,
    struct({ domain, types: u32, flags: u32 }),
    struct({ params: list(typedParameter, 8192) }),
  ),
};
