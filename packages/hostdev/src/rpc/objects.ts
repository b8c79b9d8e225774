// SPDX-License-Identifier: Apache-2.0
import {
  type Codec,
  double,
  fixedOpaque,
  flag,
  type Infer,
  i32,
  i64,
  list,
  optional,
  struct,
  text,
  u32,
  u64,
  union,
} from "./xdr.ts";

/** libvirt's limit on texts (`VIR_NET_MESSAGE_STRING_MAX`). */
export const maxTextBytes = 4_194_304;

/** `remote_nonnull_string`. */
export const string = text(maxTextBytes);
/** `remote_string`: may be absent. */
export const optionalString = optional(string);
/** 16 bytes. */
export const uuid = fixedOpaque(16);

/** A domain, as every call about one names it. Only the UUID is to be trusted: names change, the id gets stale. */
export const domain = struct({ name: string, uuid, id: i32 });
export type DomainReference = Infer<typeof domain>;

/** A network, a network filter, a storage pool. */
export const network = struct({ name: string, uuid });
/** A storage pool. */
export const storagePool = network;
export type StoragePoolReference = Infer<typeof storagePool>;
/** A volume of a storage pool. */
export const storageVolume = struct({ pool: string, name: string, key: string });
/** An interface of the host. */
export const hostInterface = struct({ name: string, mac: string });
/** A secret. */
export const secret = struct({ uuid, usageType: i32, usageId: string });
/** A snapshot, or a checkpoint. */
export const snapshot = struct({ name: string, domain });
/** A node device. */
export const nodeDevice = struct({ name: string });

/** A named value (`remote_typed_param`). */
export const typedParameter = struct({
  field: string,
  value: union({
    1: ["int", i32],
    2: ["uint", u32],
    3: ["llong", i64],
    4: ["ullong", u64],
    5: ["double", double],
    6: ["boolean", flag],
    7: ["string", string],
  }),
});
export type TypedParameter = Infer<typeof typedParameter>;

/** A named number (`remote_node_get_memory_stats`). */
export const nodeStatistic = struct({ field: string, value: u64 });

/** What a `LIST_ALL` call asks: 0 for `needResults` wants the number only. */
export const listRequest = struct({ needResults: flag, flags: u32 });

/** How many objects a list has at most (`REMOTE_DOMAIN_LIST_MAX` and its kin). */
export const maxObjects = 16_384;

/** The answer to a `LIST_ALL` call. */
export function listReply<T>(codec: Codec<T>, max = maxObjects) {
  return struct({ items: list(codec, max), count: u32 });
}
