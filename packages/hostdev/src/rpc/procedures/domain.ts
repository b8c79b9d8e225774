// SPDX-License-Identifier: Apache-2.0
import { domain, listReply, listRequest, maxObjects, optionalString, snapshot, string, uuid } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { chars, flag, i32, list, nothing, struct, u32, u64 } from "../xdr.ts";

const target = struct({ domain });
const targetWithFlags = struct({ domain, flags: u32 });
const found = struct({ domain });
const number = struct({ number: i32 });
const xml = struct({ xml: string });
const xmlWithFlags = struct({ xml: string, flags: u32 });
const device = struct({ domain, xml: string });
const deviceWithFlags = struct({ domain, xml: string, flags: u32 });
const changes = { writes: true };

/** Finding and listing domains. */
export const domainLookupProcedures = {
  connectListDefinedDomains: procedure(21, struct({ max: i32 }), struct({ names: list(string, maxObjects) })),
  domainLookupById: procedure(22, struct({ id: i32 }), found),
  domainLookupByName: procedure(23, struct({ name: string }), found),
  domainLookupByUuid: procedure(24, struct({ uuid }), found),
  connectNumOfDefinedDomains: procedure(25, nothing, number),
  connectListDomains: procedure(37, struct({ max: i32 }), struct({ ids: list(i32, maxObjects) })),
  connectNumOfDomains: procedure(51, nothing, number),
  connectListAllDomains: procedure(273, listRequest, listReply(domain)),
};

/** What a domain is and how it is, without changing it. */
export const domainStateProcedures = {
  domainGetXmlDesc: procedure(14, targetWithFlags, xml),
  domainGetAutostart: procedure(15, target, struct({ autostart: flag })),
  domainGetInfo: procedure(
    16,
    target,
    struct({ state: i32, maxMemoryKiB: u64, memoryKiB: u64, vcpus: i32, cpuTimeNs: u64 }),
  ),
  domainGetOsType: procedure(19, target, struct({ type: string })),
  domainGetSecurityLabel: procedure(121, target, struct({ label: chars(4097), enforcing: flag })),
  domainIsActive: procedure(150, target, struct({ active: flag })),
  domainIsPersistent: procedure(151, target, struct({ persistent: flag })),
  domainHasManagedSaveImage: procedure(183, targetWithFlags, struct({ result: flag })),
  domainSnapshotNum: procedure(187, targetWithFlags, number),
  domainIsUpdated: procedure(202, target, struct({ updated: flag })),
  domainGetState: procedure(212, targetWithFlags, struct({ state: i32, reason: i32 })),
  domainGetControlInfo: procedure(229, targetWithFlags, struct({ state: u32, details: u32, stateTimeMs: u64 })),
  domainGetMetadata: procedure(
    265,
    struct({ domain, type: i32, uri: optionalString, flags: u32 }),
    struct({ metadata: string }),
  ),
  domainListAllSnapshots: procedure(
    274,
    struct({ domain, needResults: flag, flags: u32 }),
    struct({ items: list(snapshot, maxObjects), count: i32 }),
  ),
  domainListAllCheckpoints: procedure(
    413,
    struct({ domain, needResults: flag, flags: u32 }),
    struct({ items: list(snapshot, maxObjects), count: i32 }),
  ),
  domainGetMessages: procedure(426, targetWithFlags, struct({ messages: list(string, 2048) })),
  domainGetAutostartOnce: procedure(449, target, struct({ autostart: flag })),
};

/** Making, starting and ending domains. */
export const domainLifecycleProcedures = {
  domainCreate: procedure(9, target, nothing, changes),
  domainCreateXml: procedure(10, xmlWithFlags, found, changes),
  domainDefineXml: procedure(11, xml, found, changes),
  domainDestroy: procedure(12, target, nothing, changes),
  domainReboot: procedure(27, targetWithFlags, nothing, changes),
  domainResume: procedure(28, target, nothing, changes),
  domainSetAutostart: procedure(29, struct({ domain, autostart: flag }), nothing, changes),
  domainSetAutostartOnce: procedure(450, struct({ domain, autostart: flag }), nothing, changes), // libvirt 11.2
  domainShutdown: procedure(33, target, nothing, changes),
  domainSuspend: procedure(34, target, nothing, changes),
  domainUndefine: procedure(35, target, nothing, changes),
  domainManagedSave: procedure(182, targetWithFlags, nothing, changes),
  domainManagedSaveRemove: procedure(184, targetWithFlags, nothing, changes),
  domainCreateWithFlags: procedure(196, targetWithFlags, found, changes),
  domainOpenConsole: procedure(201, struct({ domain, device: optionalString, flags: u32 }), nothing, {
    writes: true,
    streams: true,
  }),
  domainOpenGraphicsFd: procedure(343, struct({ domain, index: u32, flags: u32 }), nothing, {
    writes: true,
    passes: true,
  }),
  domainUndefineFlags: procedure(231, targetWithFlags, nothing, changes),
  domainDestroyFlags: procedure(234, targetWithFlags, nothing, changes),
  domainReset: procedure(245, targetWithFlags, nothing, changes),
  domainShutdownFlags: procedure(258, targetWithFlags, nothing, changes),
  domainSetMetadata: procedure(
    264,
    struct({ domain, type: i32, metadata: optionalString, key: optionalString, uri: optionalString, flags: u32 }),
    nothing,
    changes,
  ),
  domainDefineXmlFlags: procedure(350, xmlWithFlags, found, changes),
  domainRename: procedure(358, struct({ domain, name: optionalString, flags: u32 }), number, changes),
};

/** Devices of a domain. */
export const domainDeviceProcedures = {
  domainAttachDevice: procedure(8, device, nothing, changes),
  domainDetachDevice: procedure(13, device, nothing, changes),
  domainAttachDeviceFlags: procedure(160, deviceWithFlags, nothing, changes),
  domainDetachDeviceFlags: procedure(161, deviceWithFlags, nothing, changes),
  domainUpdateDeviceFlags: procedure(174, deviceWithFlags, nothing, changes),
  domainDetachDeviceAlias: procedure(392, struct({ domain, alias: string, flags: u32 }), nothing, changes),
};
