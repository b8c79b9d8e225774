// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import { deleteVolume, resizeFlags, resizeVolume } from "../storage/make-volume.ts";
import { noVolume } from "../storage/storage-errors.ts";
import { isVolume, readVolume, type Volume } from "../storage/volume.ts";
import { formatVolume, parseVolume } from "../storage/volume-xml.ts";
import type { Client, ClientHandlers } from "./client.ts";
import { checkFlags } from "./libvirt-errors.ts";
import { uuidOf } from "./storage-pools.ts";

/** `virStorageVolType`. */
const volumeType = { file: 0, dir: 2 };
/** `VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA`, `_VALIDATE`; `VIR_STORAGE_VOL_GET_PHYSICAL`. */
const preallocMetadata = 1;
const validate = 4;
const wantsPhysical = 1;

interface VolumeReference {
  readonly pool: string;
  readonly name: string;
  readonly key: string;
}

/** Images in a user's storage pools. Their keys are their paths. */
export const storageVolumeHandlers: ClientHandlers = {
  storageVolLookupByName: ({ host, pools }, { pool, name }) => {
    const folder = pools.folderOf(uuidOf(pool));
    if (!isVolume(host, folder, name)) throw noVolume(`matching name '${name}'`);
    return { volume: toWire(pools.byUuid(uuidOf(pool)).definition.name, folder, name) };
  },
  storageVolLookupByKey: (client, { key }) => ({ volume: lookUp(client, key, `matching key ${key}`) }),
  storageVolLookupByPath: (client, { path }) => ({ volume: lookUp(client, path, `matching path '${path}'`) }),
  storageVolGetPath: (client, { volume }) => ({ path: pathOf(client, volume) }),
  storageVolGetInfo: async (client, { volume }) => infoOf(await read(client, volume), false),
  storageVolGetInfoFlags: async (client, { volume, flags }) => {
    checkFlags(flags, wantsPhysical);
    return infoOf(await read(client, volume), flags === wantsPhysical);
  },
  storageVolGetXmlDesc: async (client, { volume, flags }) => {
    checkFlags(flags, 0);
    return { xml: formatVolume(await read(client, volume)) };
  },
  storageVolCreateXml: async ({ pools }, { pool, xml, flags }) => {
    checkFlags(flags, preallocMetadata | validate);
    const request = parseVolume(xml);
    const preallocate = (flags & preallocMetadata) !== 0;
    const folder = await pools.makeVolume(uuidOf(pool), request, { preallocate });
    return { volume: toWire(pool.name, folder, request.name) };
  },
  storageVolCreateXmlFrom: async (client, { pool, xml, original, flags }) => {
    checkFlags(flags, preallocMetadata | validate);
    const request = parseVolume(xml);
    const preallocate = (flags & preallocMetadata) !== 0;
    const options = { original: await read(client, original), preallocate };
    const folder = await client.pools.makeVolume(uuidOf(pool), request, options);
    return { volume: toWire(pool.name, folder, request.name) };
  },
  storageVolDelete: ({ host, pools }, { volume, flags }) => {
    checkFlags(flags, 0);
    const folder = pools.folderOf(pools.byName(volume.pool).uuid);
    if (!isVolume(host, folder, volume.name)) throw noVolume(`matching name '${volume.name}'`);
    deleteVolume(host, folder, volume.name);
  },
  storageVolResize: async (client, { volume, capacity, flags }) => {
    checkFlags(flags, resizeFlags);
    await resizeVolume(client.host, await read(client, volume), capacity, flags);
  },
};

function toWire(pool: string, folder: string, name: string): VolumeReference {
  return { pool, name, key: posix.join(folder, name) };
}

/** Of all active pools. */
function lookUp({ host, pools }: Client, path: string, by: string): VolumeReference {
  const [folder, name] = [posix.dirname(posix.normalize(path)), posix.basename(path)];
  const pool = pools.list().find(({ isActive, definition }) => isActive && definition.path === folder);
  if (pool === undefined || !path.startsWith("/") || !isVolume(host, folder, name)) throw noVolume(by);
  return toWire(pool.definition.name, folder, name);
}

function pathOf({ host, pools }: Client, { pool, name }: VolumeReference): string {
  const folder = pools.folderOf(pools.byName(pool).uuid);
  if (!isVolume(host, folder, name)) throw noVolume(`matching name '${name}'`);
  return posix.join(folder, name);
}

async function read(client: Client, reference: VolumeReference): Promise<Volume> {
  const volume = await readVolume(client.host, pathOf(client, reference));
  if (volume === undefined) throw noVolume(`matching name '${reference.name}'`);
  return volume;
}

function infoOf({ kind, capacity, allocation, physical }: Volume, showPhysical: boolean) {
  return { type: volumeType[kind], capacity, allocation: showPhysical ? physical : allocation };
}
