// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import type { Host } from "../../core/host.ts";
import { nodeCrypto } from "../../core/node-crypto.ts";
import { isFirstThisBoot } from "../once-a-boot.ts";
import type { StoreProblem } from "../session-api.ts";
import type { SessionPaths } from "../session-paths.ts";
import { type MakeOptions, makeVolume } from "./make-volume.ts";
import { PoolFiles } from "./pool-files.ts";
import { type PoolDefinition, type PoolSpace, parsePool } from "./pool-xml.ts";
import { failed, internalError, invalidState, noPool, systemError, volumeExists } from "./storage-errors.ts";
import type { VolumeRequest } from "./volume-xml.ts";

/** One pool. It is active, or persistent, or both. */
export interface Pool {
  readonly uuid: string;
  /** What is in force: of an active pool, what it was started with. */
  readonly definition: PoolDefinition;
  /** What the next start takes; `undefined` for a pool that goes when it is stopped. */
  readonly saved: PoolDefinition | undefined;
  readonly isActive: boolean;
  readonly autostart: boolean;
}

/** `virStoragePoolEventLifecycleType`, and 'refresh', which is an event of its own. */
export const poolChange = { defined: 0, undefined: 1, started: 2, stopped: 3, created: 4, deleted: 5 } as const;
export type PoolChange = keyof typeof poolChange | "refreshed";
export type PoolListener = (pool: Pool, change: PoolChange) => void;

interface Entry {
  active?: PoolDefinition | undefined;
  saved?: PoolDefinition | undefined;
  autostart: boolean;
}

/**
 * A user's storage pools: folders that hold images, by name. Nothing but their files is remembered: `PoolFiles`.
 *
 * All acts are synchronous, so that each is whole before the next. They throw `HD_LIBVIRT_ERROR` as libvirt's storage
 * driver does, and `HD_FILE`; after a failure the pool is as it was.
 */
export class Pools {
  readonly #host: Host;
  readonly #paths: SessionPaths;
  readonly #files: PoolFiles;
  /** Volumes that are being made, by path. */
  readonly #making = new Set<string>();
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<PoolListener>();
  readonly problems: readonly StoreProblem[];

  /** Reads what is there. Touches: reads. */
  constructor(host: Host, paths: SessionPaths) {
    this.#host = host;
    this.#paths = paths;
    this.#files = new PoolFiles(host, paths);
    const { saved, active, problems } = this.#files.load();
    for (const definition of saved) {
      this.#entries.set(definition.uuid, { saved: definition, autostart: this.#files.isMarked(definition.uuid) });
    }
    for (const definition of active) {
      this.#entries.set(definition.uuid, {
        autostart: false,
        ...this.#entries.get(definition.uuid),
        active: definition,
      });
    }
    this.problems = problems;
  }

  /** By name. */
  list(): readonly Pool[] {
    const all = [...this.#entries].map(([uuid, entry]) => toPool(uuid, entry));
    return all.sort((one, other) => (one.definition.name < other.definition.name ? -1 : 1));
  }

  byUuid(uuid: string): Pool {
    return this.#find(({ uuid: own }) => own === uuid, `matching uuid '${uuid}'`);
  }

  byName(name: string): Pool {
    return this.#find(({ definition }) => definition.name === name, `matching name '${name}'`);
  }

  byPath(path: string): Pool {
    const folder = posix.normalize(path).replace(/(?<=.)\/$/, "");
    return this.#find(({ definition }) => definition.path === folder, `matching target path '${path}'`);
  }

  /** Makes or changes a persistent pool. */
  define(xml: string): Pool {
    const definition = this.#parse(xml);
    this.#files.save(definition);
    const entry = this.#entries.get(definition.uuid) ?? { autostart: false };
    this.#entries.set(definition.uuid, { ...entry, saved: definition });
    return this.#tell(definition.uuid, "defined");
  }

  /** Starts a pool that goes when it is stopped, or, if there is a persistent one of that name, that one. */
  create(xml: string, { build = false } = {}): Pool {
    const definition = this.#parse(xml);
    const entry = this.#entries.get(definition.uuid);
    if (entry?.active !== undefined) throw failed(`pool is already active as '${entry.active.name}'`);
    if (build) this.#makeFolder(definition);
    this.#activate(definition, entry);
    return this.#tell(definition.uuid, "started");
  }

  start(uuid: string, { build = false } = {}): void {
    const { definition, isActive } = this.byUuid(uuid);
    if (isActive) throw invalidState(`storage pool '${definition.name}' is already active`);
    if (build) this.#makeFolder(definition);
    this.#activate(definition, this.#entries.get(uuid));
    this.#tell(uuid, "started");
  }

  /** Makes the folder, if it is not there. */
  build(uuid: string): void {
    const pool = this.byUuid(uuid);
    this.#assertInactive(pool);
    this.#makeFolder(pool.definition);
    this.#tell(uuid, "created");
  }

  /** The folder and what is in it stay. */
  stop(uuid: string): void {
    const pool = this.byUuid(uuid);
    const entry = this.#assertActive(pool);
    this.#files.removeActive(uuid);
    if (entry.saved === undefined) this.#entries.delete(uuid);
    else this.#entries.set(uuid, { ...entry, active: undefined });
    for (const listener of this.#listeners) listener(pool, "stopped");
  }

  /** Removes the folder, which has to be empty. */
  deleteFolder(uuid: string): void {
    const pool = this.byUuid(uuid);
    this.#assertInactive(pool);
    const { path } = pool.definition;
    if (this.#host.status(path) === undefined)
      throw systemError(`failed to remove pool '${path}'`, "No such file or directory");
    this.#host.removeDirectory(path);
    if (this.#host.status(path) !== undefined)
      throw systemError(`failed to remove pool '${path}'`, "Directory not empty");
    this.#tell(uuid, "deleted");
  }

  undefine(uuid: string): void {
    const pool = this.byUuid(uuid);
    this.#assertInactive(pool);
    this.#files.remove(uuid);
    this.#entries.delete(uuid);
    for (const listener of this.#listeners) listener(pool, "undefined");
  }

  /** What is in the folder is looked at whenever it is asked for; this only asks whether it is there. */
  refresh(uuid: string): void {
    const pool = this.byUuid(uuid);
    this.#assertActive(pool);
    this.#assertFolder(pool.definition.path);
    this.#tell(uuid, "refreshed");
  }

  setAutostart(uuid: string, autostart: boolean): void {
    this.byUuid(uuid);
    const entry = this.#entries.get(uuid);
    if (entry?.saved === undefined) throw internalError("pool has no config file");
    this.#files.mark(uuid, autostart);
    entry.autostart = autostart;
  }

  /** Starts those that are marked for it, once a boot; what cannot be is told. */
  startMarked(log: (text: string) => void): void {
    if (!isFirstThisBoot(this.#host, this.#paths, "pools-autostarted")) return;
    for (const { uuid, definition, autostart, isActive } of this.list()) {
      if (!autostart || isActive) continue;
      try {
        this.start(uuid);
      } catch (error) {
        log(`storage pool ${definition.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  /** The folder of an active pool. */
  folderOf(uuid: string): string {
    const pool = this.byUuid(uuid);
    this.#assertActive(pool);
    return pool.definition.path;
  }

  /** Makes an image in an active pool, as `makeVolume`. @returns the pool's folder. */
  async makeVolume(uuid: string, request: VolumeRequest, options: MakeOptions): Promise<string> {
    const folder = this.folderOf(uuid);
    const path = posix.join(folder, request.name);
    if (this.#making.has(path)) throw volumeExists(request.name);
    this.#making.add(path);
    try {
      await makeVolume(this.#host, folder, request, options);
      return folder;
    } finally {
      this.#making.delete(path);
    }
  }

  /** @returns the end of it. */
  onChange(listener: PoolListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #parse(xml: string): PoolDefinition {
    const all = this.list();
    const definition = parsePool(xml, () => nodeCrypto().randomUUID());
    const known = all.find(({ definition: { name } }) => name === definition.name);
    // A definition without a UUID would be another pool of the same name: libvirt refuses that too.
    if (known !== undefined && known.uuid !== definition.uuid) {
      throw failed(`pool '${definition.name}' already exists with uuid ${known.uuid}`);
    }
    const same = all.find(({ uuid }) => uuid === definition.uuid)?.definition.name;
    if (same !== undefined && same !== definition.name)
      throw failed(`pool '${same}' is already defined with uuid ${definition.uuid}`);
    const rival = all.find(({ uuid, definition: { path } }) => uuid !== definition.uuid && path === definition.path);
    if (rival !== undefined) throw failed(`Storage source conflict with pool: '${rival.definition.name}'`);
    return definition;
  }

  #activate(definition: PoolDefinition, entry: Entry | undefined): void {
    this.#assertFolder(definition.path);
    this.#files.saveActive(definition);
    this.#entries.set(definition.uuid, { autostart: false, ...entry, active: definition });
  }

  #makeFolder({ path, mode = 0o711 }: PoolDefinition): void {
    this.#host.makeDirectory(path, mode);
  }

  #assertFolder(path: string): void {
    const real = this.#host.realPath(path);
    const kind = real === undefined ? undefined : this.#host.status(real)?.kind;
    if (kind === "directory") return;
    const reason = kind === undefined ? "No such file or directory" : "Not a directory";
    throw systemError(`cannot open directory '${path}'`, reason);
  }

  #assertActive({ uuid, definition, isActive }: Pool): Entry {
    const entry = this.#entries.get(uuid);
    if (isActive && entry !== undefined) return entry;
    throw invalidState(`storage pool '${definition.name}' is not active`);
  }

  #assertInactive({ definition, isActive }: Pool): void {
    if (isActive) throw invalidState(`storage pool '${definition.name}' is still active`);
  }

  #find(is: (pool: Pool) => boolean, by: string): Pool {
    const found = this.list().find(is);
    if (found === undefined) throw noPool(by);
    return found;
  }

  #tell(uuid: string, change: PoolChange): Pool {
    const pool = this.byUuid(uuid);
    for (const listener of this.#listeners) listener(pool, change);
    return pool;
  }
}

function toPool(uuid: string, { active, saved, autostart }: Entry): Pool {
  const definition = active ?? saved;
  if (definition === undefined) throw internalError(`pool ${uuid} is neither active nor defined`);
  return { uuid, definition, saved, isActive: active !== undefined, autostart };
}

/** How much a pool's file system has. Touches: runs stat(1). */
export async function readSpace(host: Host, folder: string): Promise<PoolSpace> {
  const { stdout } = await host.run("stat", ["--file-system", "--format=%S %b %f", "--", folder]);
  const [blockBytes = 0n, blocks = 0n, free = 0n] = stdout.trim().split(" ").filter(Boolean).map(BigInt);
  const capacity = blockBytes * blocks;
  return { capacity, allocation: capacity - blockBytes * free, available: blockBytes * free };
}
