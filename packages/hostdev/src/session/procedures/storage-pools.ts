// SPDX-License-Identifier: Apache-2.0
import type { StoragePoolReference } from "../../rpc/objects.ts";
import { storagePoolCapabilities } from "../storage/capabilities-xml.ts";
import { formatPool } from "../storage/pool-xml.ts";
import { type Pool, type Pools, readSpace } from "../storage/pools.ts";
import { listVolumes } from "../storage/volume.ts";
import type { Client, ClientHandlers } from "./client.ts";
import { formatUuid, uuidBytes } from "./domain-reference.ts";
import { checkFlags } from "./libvirt-errors.ts";

/** `virStoragePoolState`. */
const poolState = { inactive: 0, running: 2 };
/** `VIR_STORAGE_POOL_CREATE_WITH_BUILD`; `VIR_STORAGE_XML_INACTIVE`; `VIR_STORAGE_POOL_DEFINE_VALIDATE`. */
const withBuild = 1;
const inactiveXml = 1;
const validate = 1;

/** `VIR_CONNECT_LIST_STORAGE_POOLS_*`: of each group asked for, a pool must be one of. */
const filters: readonly (readonly (readonly [flag: number, is: (pool: Pool) => boolean])[])[] = [
  [
    [1, ({ isActive }) => !isActive],
    [2, ({ isActive }) => isActive],
  ],
  [
    [4, ({ saved }) => saved !== undefined],
    [8, ({ saved }) => saved === undefined],
  ],
  [
    [16, ({ autostart }) => autostart],
    [32, ({ autostart }) => !autostart],
  ],
  [
    [64, () => true], // folders, and there are no others
    [0x7ff80, () => false],
  ],
];

/** A user's storage pools. */
export const storagePoolHandlers: ClientHandlers = {
  connectNumOfStoragePools: ({ pools }) => ({ number: namesOf(pools, true).length }),
  connectListStoragePools: ({ pools }, { max }) => ({ names: namesOf(pools, true).slice(0, max) }),
  connectNumOfDefinedStoragePools: ({ pools }) => ({ number: namesOf(pools, false).length }),
  connectListDefinedStoragePools: ({ pools }, { max }) => ({ names: namesOf(pools, false).slice(0, max) }),
  connectListAllStoragePools: ({ pools }, { needResults, flags }) => {
    const asked = filters.map((group) => group.filter(([flag]) => (flags & flag) !== 0)).filter((group) => group[0]);
    const items = pools.list().filter((pool) => asked.every((group) => group.some(([, is]) => is(pool))));
    return { items: needResults ? items.map(toWire) : [], count: items.length };
  },
  storagePoolLookupByName: ({ pools }, { name }) => ({ pool: toWire(pools.byName(name)) }),
  storagePoolLookupByUuid: ({ pools }, { uuid }) => ({ pool: toWire(pools.byUuid(formatUuid(uuid))) }),
  storagePoolLookupByVolume: ({ pools }, { volume }) => ({ pool: toWire(pools.byName(volume.pool)) }),
  storagePoolLookupByTargetPath: ({ pools }, { path }) => ({ pool: toWire(pools.byPath(path)) }),

  storagePoolDefineXml: ({ pools }, { xml, flags }) => {
    checkFlags(flags, validate);
    return { pool: toWire(pools.define(xml)) };
  },
  storagePoolCreateXml: ({ pools }, { xml, flags }) => {
    checkFlags(flags, withBuild);
    return { pool: toWire(pools.create(xml, { build: flags === withBuild })) };
  },
  storagePoolCreate: ({ pools }, { pool, flags }) => {
    checkFlags(flags, withBuild);
    pools.start(uuidOf(pool), { build: flags === withBuild });
  },
  storagePoolBuild: ({ pools }, { pool, flags }) => {
    checkFlags(flags, 0);
    pools.build(uuidOf(pool));
  },
  storagePoolDestroy: ({ pools }, { pool }) => pools.stop(uuidOf(pool)),
  storagePoolDelete: ({ pools }, { pool, flags }) => {
    checkFlags(flags, 0);
    pools.deleteFolder(uuidOf(pool));
  },
  storagePoolUndefine: ({ pools }, { pool }) => pools.undefine(uuidOf(pool)),
  storagePoolRefresh: ({ pools }, { pool, flags }) => {
    checkFlags(flags, 0);
    pools.refresh(uuidOf(pool));
  },

  storagePoolGetInfo: async ({ host, pools }, { pool }) => {
    const { isActive, definition } = find(pools, pool);
    if (!isActive) return { state: poolState.inactive, capacity: 0n, allocation: 0n, available: 0n };
    return { state: poolState.running, ...(await readSpace(host, definition.path)) };
  },
  storagePoolGetXmlDesc: async ({ host, pools }, { pool, flags }) => {
    checkFlags(flags, inactiveXml);
    return { xml: await xmlOf(host, find(pools, pool), flags === inactiveXml) };
  },
  storagePoolGetAutostart: ({ pools }, { pool }) => ({ autostart: find(pools, pool).autostart }),
  storagePoolSetAutostart: ({ pools }, { pool, autostart }) => pools.setAutostart(uuidOf(pool), autostart),
  storagePoolIsActive: ({ pools }, { pool }) => ({ active: find(pools, pool).isActive }),
  storagePoolIsPersistent: ({ pools }, { pool }) => ({ persistent: find(pools, pool).saved !== undefined }),

  storagePoolNumOfVolumes: (client, { pool }) => ({ number: volumesOf(client, pool).length }),
  storagePoolListVolumes: (client, { pool, max }) => ({ names: volumesOf(client, pool).slice(0, max) }),
  storagePoolListAllVolumes: (client, { pool, needResults, flags }) => {
    checkFlags(flags, 0);
    const folder = client.pools.folderOf(uuidOf(pool));
    const items = volumesOf(client, pool).map((name) => ({ pool: pool.name, name, key: `${folder}/${name}` }));
    return { items: needResults ? items : [], count: items.length };
  },

  connectGetStoragePoolCapabilities: (_client, { flags }) => {
    checkFlags(flags, 0);
    return { capabilities: storagePoolCapabilities() };
  },
  connectStoragePoolEventRegisterAny: ({ registrations }, { eventId, object }) => ({
    callbackId: registrations.add("storage-pool", eventId, object === null ? undefined : formatUuid(object.uuid)),
  }),
  connectStoragePoolEventDeregisterAny: ({ registrations }, { callbackId }) =>
    registrations.remove("storage-pool", callbackId),
};

/** A pool as the protocol names it. Pure. */
export function toWire({ uuid, definition: { name } }: Pool): StoragePoolReference {
  return { name, uuid: uuidBytes(uuid) };
}

/** The pool that a call is about, by its UUID, as text. Pure. */
export function uuidOf({ uuid }: StoragePoolReference): string {
  return formatUuid(uuid);
}

function find(pools: Pools, pool: StoragePoolReference): Pool {
  return pools.byUuid(uuidOf(pool));
}

function namesOf(pools: Pools, wantsActive: boolean): readonly string[] {
  return pools
    .list()
    .filter(({ isActive }) => isActive === wantsActive)
    .map(({ definition: { name } }) => name);
}

function volumesOf({ host, pools }: Client, pool: StoragePoolReference): readonly string[] {
  return listVolumes(host, pools.folderOf(uuidOf(pool)));
}

async function xmlOf(host: Client["host"], pool: Pool, wantsInactive: boolean): Promise<string> {
  if (wantsInactive) return formatPool(pool.saved ?? pool.definition);
  const folder = host.realPath(pool.definition.path);
  const status = folder === undefined || !pool.isActive ? undefined : host.status(folder);
  if (folder === undefined || status === undefined) return formatPool(pool.definition);
  return formatPool(pool.definition, { space: await readSpace(host, folder), status });
}
