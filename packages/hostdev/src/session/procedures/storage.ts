// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { isHostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { errorCode, errorDomain, libvirtError } from "../../rpc/error-payload.ts";
import type { StoragePoolReference } from "../../rpc/objects.ts";
import { writeXml } from "../../xml/writer.ts";
import { element, textElement } from "../machine/xml-elements.ts";
import type { ClientHandlers } from "./client.ts";
import { formatUuid } from "./domain-reference.ts";
import { checkFlags } from "./libvirt-errors.ts";

/**
 * Files as libvirt's storage volumes, as far as clients look them up by path: virt-install does with every disk. Each
 * folder is a pool, called by its path; there is no list of them, and nothing is ever made or removed.
 */
export const storageHandlers: ClientHandlers = {
  connectListAllStoragePools: () => ({ items: [], count: 0 }),
  storageVolLookupByPath: ({ host }, { path }) => {
    readVolume(host, path);
    return { volume: { pool: dirname(path), name: basename(path), key: path } };
  },
  storageVolGetInfo: ({ host }, { volume }) => {
    const { capacityBytes, sizeBytes } = readVolume(host, volume.key);
    return { type: 0, capacity: capacityBytes, allocation: sizeBytes };
  },
  storageVolGetXmlDesc: ({ host }, { volume: { key }, flags }) => {
    checkFlags(flags, 0);
    return { xml: volumeXml(key, readVolume(host, key)) };
  },
  storagePoolLookupByVolume: ({ host }, { volume: { key } }) => {
    readVolume(host, key);
    return { pool: poolOf(dirname(key)) };
  },
  storagePoolLookupByName: ({ host }, { name }) => ({ pool: requirePool(host, poolOf(name)) }),
  storagePoolIsActive: ({ host }, { pool }) => {
    requirePool(host, pool);
    return { active: 1 };
  },
  storagePoolGetInfo: async ({ host }, { pool }) => {
    requirePool(host, pool);
    const { stdout } = await host.run("stat", ["--file-system", "--format=%S %b %a", "--", pool.name]);
    const [blockBytes = 0n, blocks = 0n, available = 0n] = stdout.trim().split(" ").map(BigInt);
    const capacity = blockBytes * blocks;
    return {
      state: poolRunning,
      capacity,
      allocation: capacity - blockBytes * available,
      available: blockBytes * available,
    };
  },
  storagePoolGetXmlDesc: ({ host }, { pool, flags }) => {
    checkFlags(flags, 1);
    requirePool(host, pool);
    return { xml: poolXml(pool) };
  },
  storagePoolListAllVolumes: ({ host }, { pool }) => {
    requirePool(host, pool);
    return { items: [], count: 0 };
  },
};

/** `virStoragePoolState`. */
const poolRunning = 2;

interface Volume {
  readonly sizeBytes: bigint;
  readonly capacityBytes: bigint;
  readonly format: "raw" | "qcow2";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const qcow2Magic = "514649fb";

/** @throws {HostdevError} `HD_LIBVIRT_ERROR` as libvirt's, when there is no such file or the user may not read it. */
function readVolume(host: Host, path: string): Volume {
  const missing = libvirtError(
    errorCode.noStorageVolume,
    errorDomain.storage,
    "Storage volume not found: ",
    `no storage vol with matching path '${path}'`,
  );
  if (!path.startsWith("/")) throw missing;
  try {
    const status = host.status(host.realPath(path) ?? path);
    const header = status?.kind === "file" ? host.readBytes(path, 32) : undefined;
    if (status === undefined || header === undefined) throw missing;
    const { mode, uid, gid } = status;
    const sizeBytes = BigInt(status.sizeBytes);
    const bytes = Buffer.from(header);
    const isQcow2 = bytes.length === 32 && bytes.toString("hex", 0, 4) === qcow2Magic;
    // The guest's size is at byte 24 (QEMU docs/interop/qcow2.txt).
    return {
      sizeBytes,
      capacityBytes: isQcow2 ? bytes.readBigUInt64BE(24) : sizeBytes,
      format: isQcow2 ? "qcow2" : "raw",
      mode,
      uid,
      gid,
    };
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) throw missing;
    throw error;
  }
}

/** The same folder has the same UUID whenever it is asked for. */
function poolOf(folder: string): StoragePoolReference {
  return { name: folder, uuid: createHash("sha256").update(`hostdev pool ${folder}`).digest().subarray(0, 16) };
}

function requirePool(host: Host, pool: StoragePoolReference): StoragePoolReference {
  if (pool.name.startsWith("/") && host.status(pool.name)?.kind === "directory") return pool;
  throw libvirtError(
    errorCode.noStoragePool,
    errorDomain.storage,
    "Storage pool not found: ",
    `no storage pool with matching name '${pool.name}'`,
  );
}

function volumeXml(path: string, { capacityBytes, sizeBytes, format, mode, uid, gid }: Volume): string {
  const bytes = (name: string, value: bigint) => ({ ...element(name, { unit: "bytes" }), text: String(value) });
  return writeXml(
    element("volume", { type: "file" }, [
      textElement("name", basename(path)),
      textElement("key", path),
      bytes("capacity", capacityBytes),
      bytes("allocation", sizeBytes),
      bytes("physical", sizeBytes),
      element("target", {}, [
        textElement("path", path),
        element("format", { type: format }),
        element("permissions", {}, [
          textElement("mode", mode.toString(8).padStart(4, "0")),
          textElement("owner", String(uid)),
          textElement("group", String(gid)),
        ]),
      ]),
    ]),
  );
}

function poolXml({ name, uuid }: StoragePoolReference): string {
  return writeXml(
    element("pool", { type: "dir" }, [
      textElement("name", name),
      textElement("uuid", formatUuid(uuid)),
      element("target", {}, [textElement("path", name)]),
    ]),
  );
}
