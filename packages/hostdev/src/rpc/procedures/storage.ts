// SPDX-License-Identifier: Apache-2.0
import { listReply, listRequest, maxObjects, storagePool, storageVolume, string, uuid } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { flag, i32, list, nothing, struct, u32, u64 } from "../xdr.ts";
import { registration } from "./neighbours.ts";

const number = struct({ number: i32 });
const names = struct({ names: list(string, maxObjects) });
const pool = struct({ pool: storagePool });
const poolFlags = struct({ pool: storagePool, flags: u32 });
const poolXml = struct({ xml: string, flags: u32 });
const volume = struct({ volume: storageVolume });
const volumeFlags = struct({ volume: storageVolume, flags: u32 });
const xml = struct({ xml: string });
const info = { capacity: u64, allocation: u64 };
const writes = { writes: true };

/** Storage pools. */
export const storagePoolProcedures = {
  connectNumOfStoragePools: procedure(71, nothing, number),
  connectListStoragePools: procedure(72, struct({ max: i32 }), names),
  connectNumOfDefinedStoragePools: procedure(73, nothing, number),
  connectListDefinedStoragePools: procedure(74, struct({ max: i32 }), names),
  storagePoolCreateXml: procedure(76, poolXml, pool, writes),
  storagePoolDefineXml: procedure(77, poolXml, pool, writes),
  storagePoolCreate: procedure(78, poolFlags, nothing, writes),
  storagePoolBuild: procedure(79, poolFlags, nothing, writes),
  storagePoolDestroy: procedure(80, pool, nothing, writes),
  storagePoolDelete: procedure(81, poolFlags, nothing, writes),
  storagePoolUndefine: procedure(82, pool, nothing, writes),
  storagePoolRefresh: procedure(83, poolFlags, nothing, writes),
  storagePoolLookupByName: procedure(84, struct({ name: string }), pool),
  storagePoolLookupByUuid: procedure(85, struct({ uuid }), pool),
  storagePoolLookupByVolume: procedure(86, volume, pool),
  storagePoolGetInfo: procedure(87, pool, struct({ state: i32, ...info, available: u64 })),
  storagePoolGetXmlDesc: procedure(88, poolFlags, xml),
  storagePoolGetAutostart: procedure(89, pool, struct({ autostart: flag })),
  storagePoolSetAutostart: procedure(90, struct({ pool: storagePool, autostart: flag }), nothing, writes),
  storagePoolNumOfVolumes: procedure(91, pool, number),
  storagePoolListVolumes: procedure(92, struct({ pool: storagePool, max: i32 }), names),
  storagePoolIsActive: procedure(154, pool, struct({ active: flag })),
  storagePoolIsPersistent: procedure(155, pool, struct({ persistent: flag })),
  connectListAllStoragePools: procedure(281, listRequest, listReply(storagePool)),
  storagePoolListAllVolumes: procedure(
    282,
    struct({ pool: storagePool, needResults: flag, flags: u32 }),
    listReply(storageVolume),
  ),
  connectStoragePoolEventRegisterAny: registration(368, storagePool),
  connectStoragePoolEventDeregisterAny: procedure(369, struct({ callbackId: i32 })),
  storagePoolLookupByTargetPath: procedure(391, struct({ path: string }), pool),
  connectGetStoragePoolCapabilities: procedure(403, struct({ flags: u32 }), struct({ capabilities: string })),
};

/** Volumes of storage pools. */
export const storageVolumeProcedures = {
  storageVolCreateXml: procedure(93, struct({ pool: storagePool, xml: string, flags: u32 }), volume, writes),
  storageVolDelete: procedure(94, volumeFlags, nothing, writes),
  storageVolLookupByName: procedure(95, struct({ pool: storagePool, name: string }), volume),
  storageVolLookupByKey: procedure(96, struct({ key: string }), volume),
  storageVolLookupByPath: procedure(97, struct({ path: string }), volume),
  storageVolGetInfo: procedure(98, volume, struct({ type: i32, ...info })),
  storageVolGetXmlDesc: procedure(99, volumeFlags, xml),
  storageVolGetPath: procedure(100, volume, struct({ path: string })),
  storageVolCreateXmlFrom: procedure(
    125,
    struct({ pool: storagePool, xml: string, original: storageVolume, flags: u32 }),
    volume,
    writes,
  ),
  storageVolResize: procedure(260, struct({ volume: storageVolume, capacity: u64, flags: u32 }), nothing, writes),
  storageVolGetInfoFlags: procedure(378, volumeFlags, struct({ type: i32, ...info })),
};
