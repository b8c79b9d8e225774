// SPDX-License-Identifier: Apache-2.0
import {
  hostInterface,
  listReply,
  listRequest,
  network,
  secret,
  storagePool,
  storageVolume,
  string,
} from "../objects.ts";
import { procedure } from "../procedure.ts";
import { type Codec, flag, i32, list, nothing, optional, struct, u32, u64 } from "../xdr.ts";

const callback = struct({ callbackId: i32 });
const number = struct({ number: i32 });
const pool = struct({ pool: storagePool });
const volume = struct({ volume: storageVolume });
const xml = struct({ xml: string });
const names = struct({ names: list(string, 16_384) });

function register<T>(number: number, object: Codec<T>) {
  return procedure(number, struct({ eventId: i32, object: optional(object) }), callback);
}

/** Networks, host interfaces, secrets, filters: what a connection has beside domains. */
export const neighbourProcedures = {
  connectNumOfNetworks: procedure(52, nothing, number),
  connectListAllNetworks: procedure(283, listRequest, listReply(network)),
  connectListAllInterfaces: procedure(284, listRequest, listReply(hostInterface)),
  connectListAllNwfilters: procedure(286, listRequest, listReply(network)),
  connectListAllSecrets: procedure(287, listRequest, listReply(secret)),
  interfaceIsActive: procedure(156, struct({ interface: hostInterface }), struct({ active: flag })),
  networkLookupByName: procedure(46, struct({ name: string }), struct({ network })),
  connectNetworkEventRegisterAny: register(313, network),
  connectNetworkEventDeregisterAny: procedure(314, callback),
  connectSecretEventRegisterAny: register(380, secret),
  connectSecretEventDeregisterAny: procedure(381, callback),
};

/** Storage pools and volumes. */
export const storageProcedures = {
  connectNumOfStoragePools: procedure(71, nothing, number),
  connectListStoragePools: procedure(72, struct({ max: i32 }), names),
  connectNumOfDefinedStoragePools: procedure(73, nothing, number),
  connectListDefinedStoragePools: procedure(74, struct({ max: i32 }), names),
  storagePoolLookupByName: procedure(84, struct({ name: string }), pool),
  storagePoolLookupByVolume: procedure(86, volume, pool),
  storagePoolGetInfo: procedure(87, pool, struct({ state: i32, capacity: u64, allocation: u64, available: u64 })),
  storagePoolGetXmlDesc: procedure(88, struct({ pool: storagePool, flags: u32 }), xml),
  storageVolLookupByPath: procedure(97, struct({ path: string }), volume),
  storageVolGetInfo: procedure(98, volume, struct({ type: i32, capacity: u64, allocation: u64 })),
  storageVolGetXmlDesc: procedure(99, struct({ volume: storageVolume, flags: u32 }), xml),
  storagePoolIsActive: procedure(154, pool, struct({ active: i32 })),
  connectListAllStoragePools: procedure(281, listRequest, listReply(storagePool)),
  storagePoolListAllVolumes: procedure(
    282,
    struct({ pool: storagePool, needResults: i32, flags: u32 }),
    listReply(storageVolume),
  ),
  connectStoragePoolEventRegisterAny: register(368, storagePool),
  connectStoragePoolEventDeregisterAny: procedure(369, callback),
};
