// SPDX-License-Identifier: Apache-2.0
import { toHostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import type { StoreProblem } from "../session-api.ts";
import { storeInvalid } from "../session-errors.ts";
import type { SessionPaths } from "../session-paths.ts";
import { formatPool, type PoolDefinition, parsePool } from "./pool-xml.ts";

/** Another number is another format, which this program leaves alone. */
const firstLine = "<!-- hostdev storage pool, version 1. Change it with: virsh pool-define FILE -->\n";
const fileName = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.xml$/;

/**
 * The files of a user's pools, `UUID.xml`: the persistent definitions among his settings, those of active pools beside
 * the running domains, which a reboot ends too.
 */
export class PoolFiles {
  readonly #host: Host;
  readonly #paths: SessionPaths;

  constructor(host: Host, paths: SessionPaths) {
    this.#host = host;
    this.#paths = paths;
  }

  /** All that can be read; of the rest, what is wrong. Files that are wrong stay as they are. */
  load(): {
    readonly saved: readonly PoolDefinition[];
    readonly active: readonly PoolDefinition[];
    readonly problems: readonly StoreProblem[];
  } {
    const problems: StoreProblem[] = [];
    const [saved, active] = [this.#paths.pools, this.#paths.activePools].map((folder) =>
      this.#read(folder, problems),
    ) as [PoolDefinition[], PoolDefinition[]];
    return { saved, active, problems };
  }

  save(definition: PoolDefinition): void {
    this.#write(this.#paths.pools, definition);
  }

  remove(uuid: string): void {
    this.mark(uuid, false);
    this.#host.removeFile(`${this.#paths.pools}/${uuid}.xml`);
  }

  saveActive(definition: PoolDefinition): void {
    this.#write(this.#paths.activePools, definition);
  }

  removeActive(uuid: string): void {
    this.#host.removeFile(`${this.#paths.activePools}/${uuid}.xml`);
  }

  isMarked(uuid: string): boolean {
    return this.#host.status(this.#markOf(uuid)) !== undefined;
  }

  mark(uuid: string, autostart: boolean): void {
    if (!autostart) return this.#host.removeFile(this.#markOf(uuid));
    this.#host.makeDirectory(this.#paths.poolAutostart, 0o700);
    this.#host.writeFile(this.#markOf(uuid), "", 0o600);
  }

  #markOf(uuid: string): string {
    return `${this.#paths.poolAutostart}/${uuid}`;
  }

  #write(folder: string, definition: PoolDefinition): void {
    this.#host.makeDirectory(folder, 0o700);
    this.#host.writeFile(`${folder}/${definition.uuid}.xml`, `${firstLine}${formatPool(definition)}`, 0o600);
  }

  #read(folder: string, problems: StoreProblem[]): PoolDefinition[] {
    return [...(this.#host.list(folder) ?? [])].sort().flatMap((name) => {
      const uuid = fileName.exec(name)?.[1];
      if (name.startsWith(".")) return []; // of a write that was cut off; the old file is there
      const path = `${folder}/${name}`;
      try {
        if (uuid === undefined) throw storeInvalid(path, "its name is not UUID.xml");
        const text = this.#host.readText(path) ?? "";
        if (!text.startsWith(firstLine)) throw storeInvalid(path, "its first line does not tell a known version");
        const definition = parsePool(text, () => "");
        if (definition.uuid !== uuid) throw storeInvalid(path, `it has the pool ${definition.uuid}`);
        return [definition];
      } catch (error) {
        problems.push({ path, message: toHostdevError(error).message });
        return [];
      }
    });
  }
}
