// SPDX-License-Identifier: Apache-2.0
import { toHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { formatDomain } from "../domain/parse.ts";
import { parseForHost } from "./parse-for-host.ts";
import type { StoreProblem } from "./session-api.ts";
import { storeInvalid } from "./session-errors.ts";
import type { SessionPaths } from "./session-paths.ts";

/** Another number is another format, which this program leaves alone. */
const version = 1;
const firstLine = `<!-- hostdev domain, version ${version}. Change it with: hostdev define FILE -->`;
const fileName = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.xml$/;

/** The persistent domains of a user, one file each: libvirt's XML behind a line that tells the version. */
export interface DomainStore {
  /** All that can be read; of the rest, what is wrong. Files that are wrong stay as they are. */
  load(): { readonly domains: readonly Domain[]; readonly problems: readonly StoreProblem[] };
  /** Puts a definition in place, whole or not at all. @throws {HostdevError} `HD_FILE`. */
  save(domain: Domain, uuid: string): void;
  /** Removes a definition and its marks. */
  remove(uuid: string): void;
  isMarked(uuid: string, mark: StartMark): boolean;
  mark(uuid: string, mark: StartMark, enabled: boolean): void;
}

/** When a domain is to be started: at each boot, or at the next one only. */
export type StartMark = "each-boot" | "next-boot";

/** Opens the store in these folders, which need not exist yet. Touches nothing. */
export function domainStore(host: Host, paths: SessionPaths): DomainStore {
  const fileOf = (uuid: string) => `${paths.definitions}/${uuid}.xml`;
  const markOf = (uuid: string, mark: StartMark) => `${paths.autostart}/${uuid}${mark === "each-boot" ? "" : ".once"}`;
  return {
    load: () => {
      const domains: Domain[] = [];
      const problems: StoreProblem[] = [];
      const names = new Set<string>();
      for (const name of [...(host.list(paths.definitions) ?? [])].sort()) {
        if (name.startsWith(".")) continue; // of a write that was cut off; the old file is there
        const path = `${paths.definitions}/${name}`;
        try {
          const domain = readDefinition(host, path, fileName.exec(name)?.[1]);
          if (names.has(domain.name)) throw storeInvalid(path, `there are two domains named "${domain.name}"`);
          names.add(domain.name);
          domains.push(domain);
        } catch (error) {
          problems.push({ path, message: toHostdevError(error).message });
        }
      }
      return { domains, problems };
    },
    save: (domain, uuid) => {
      host.makeDirectory(paths.definitions, 0o700);
      host.writeFile(fileOf(uuid), `${firstLine}\n${formatDomain(domain)}`, 0o600);
    },
    remove: (uuid) => {
      host.removeFile(markOf(uuid, "each-boot"));
      host.removeFile(markOf(uuid, "next-boot"));
      host.removeFile(fileOf(uuid));
    },
    isMarked: (uuid, mark) => host.status(markOf(uuid, mark)) !== undefined,
    mark: (uuid, mark, enabled) => {
      if (!enabled) return host.removeFile(markOf(uuid, mark));
      host.makeDirectory(paths.autostart, 0o700);
      host.writeFile(markOf(uuid, mark), "", 0o600);
    },
  };
}

function readDefinition(host: Host, path: string, uuid: string | undefined): Domain {
  if (uuid === undefined) throw storeInvalid(path, "its name is not UUID.xml");
  const text = host.readText(path) ?? "";
  const found = /^<!-- hostdev domain, version (\d+)\./.exec(text)?.[1];
  if (found === undefined) throw storeInvalid(path, "its first line does not tell a version");
  if (Number(found) !== version) throw storeInvalid(path, `it has version ${found}, and this program knows ${version}`);
  const domain = parseForHost(host, text, path);
  if (domain.uuid !== uuid) throw storeInvalid(path, `it has the domain ${domain.uuid}`);
  return domain;
}
