// SPDX-License-Identifier: Apache-2.0
import { toHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { nodeCrypto } from "../core/node-crypto.ts";
import type { Domain } from "../domain/domain.ts";
import { readDomain } from "../domain/parse.ts";
import { lifecycleDetail, lifecycleEvent } from "./domain-state.ts";
import { domainStore } from "./domain-store.ts";
import { fixMachine } from "./machine/fix-machine.ts";
import { fixProcessor } from "./machine/fix-processor.ts";
import { ManagedDomain } from "./managed-domain.ts";
import { isFirstThisBoot } from "./once-a-boot.ts";
import { parseForHost } from "./parse-for-host.ts";
import { defaultEmulator } from "./plan-launch.ts";
import type {
  DomainReference,
  Session,
  SessionDomain,
  SessionListener,
  StartOptions,
  StoreProblem,
} from "./session-api.ts";
import { domainExists, noDomain } from "./session-errors.ts";
import type { SessionEvent } from "./session-events.ts";
import { lockSession } from "./session-lock.ts";
import type { SessionParts } from "./session-parts.ts";
import { sessionPaths } from "./session-paths.ts";
import { listStatus, readStatus, removeStatus, type VmStatus } from "./status-file.ts";

/**
 * Opens the caller's session: reads his definitions, takes over what runs. Only one program at a time may have it.
 *
 * Touches: the XDG folders of the caller; talks to running QEMUs. Needs: nothing.
 * @param held ends the lock, when the caller has it already.
 * @throws {HostdevError} `HD_LOCKED` when another program has the session; `HD_FILE`.
 */
export async function openSession(host: Host, held?: () => void): Promise<Session> {
  const unlock = held ?? (await lockSession(host));
  try {
    const session = new OpenSession(host, unlock);
    await session.load();
    return session;
  } catch (error) {
    unlock();
    throw error;
  }
}

class OpenSession implements Session {
  readonly #parts: SessionParts;
  readonly #domains = new Map<string, ManagedDomain>();
  readonly #listeners = new Set<SessionListener>();
  readonly #problems: StoreProblem[] = [];
  readonly #unlock: () => void;
  #lastId = 0;

  constructor(host: Host, unlock: () => void) {
    const paths = sessionPaths(host);
    this.#unlock = unlock;
    this.#parts = {
      host,
      paths,
      store: domainStore(host, paths),
      emit: (domain, event) => this.#emit(domain, event),
      takeId: () => {
        this.#lastId += 1;
        return this.#lastId;
      },
      forget: (uuid) => this.#domains.delete(uuid),
      assertNameIsFree: (name, uuid) => this.#assertNameIsFree(name, uuid),
      complain: (problem) => this.#problems.push(problem),
    };
  }

  get problems(): readonly StoreProblem[] {
    return this.#problems;
  }

  async load(): Promise<void> {
    const { host, paths, store } = this.#parts;
    const { domains, problems } = store.load();
    this.#problems.push(...problems);
    for (const domain of domains) this.#domains.set(domain.uuid ?? "", new ManagedDomain(this.#parts, domain, true));
    const found: VmStatus[] = [];
    for (const path of listStatus(host, paths)) {
      try {
        const { status, isThisBoot } = readStatus(host, paths, path);
        this.#lastId = Math.max(this.#lastId, status.id);
        if (isThisBoot) found.push(status);
        else removeStatus(host, paths, status.uuid);
      } catch (error) {
        this.#problems.push({ path, message: toHostdevError(error).message });
      }
    }
    await Promise.all(found.map((status) => this.#adopt(status)));
  }

  async #adopt(status: VmStatus): Promise<void> {
    try {
      const domain = this.#domains.get(status.uuid) ?? new ManagedDomain(this.#parts, readDomain(status.xml), false);
      this.#domains.set(status.uuid, domain);
      await domain.adopt(status);
    } catch (error) {
      const path = `${this.#parts.paths.status}/${status.uuid}.json`;
      this.#problems.push({ path, message: toHostdevError(error).message });
    }
  }

  list(): readonly SessionDomain[] {
    return [...this.#domains.values()].sort((a, b) => {
      if (a.isActive !== b.isActive) return a.isActive ? -1 : 1;
      if (a.isActive) return a.reference.id - b.reference.id;
      return a.reference.name < b.reference.name ? -1 : 1;
    });
  }

  byUuid(uuid: string): ManagedDomain {
    const domain = this.#domains.get(uuid.toLowerCase());
    if (domain === undefined) throw noDomain(uuid);
    return domain;
  }

  byName(name: string): ManagedDomain {
    return this.#find(name, ({ reference }) => reference.name === name);
  }

  byId(id: number): ManagedDomain {
    return this.#find(id, (domain) => domain.isActive && domain.reference.id === id);
  }

  #find(what: string | number, isWanted: (domain: ManagedDomain) => boolean): ManagedDomain {
    const domain = [...this.#domains.values()].find(isWanted);
    if (domain === undefined) throw noDomain(what);
    return domain;
  }

  async defineXml(xml: string): Promise<SessionDomain> {
    const definition = await this.#parse(xml);
    const uuid = definition.uuid ?? "";
    const present = this.#domains.get(uuid);
    if (present !== undefined) {
      if (present.reference.name !== definition.name) throw domainExists(present.reference.name, uuid);
      await present.define(definition);
      return present;
    }
    this.#assertNameIsFree(definition.name, uuid);
    this.#parts.store.save(definition, uuid);
    const domain = new ManagedDomain(this.#parts, definition, true);
    this.#domains.set(uuid, domain);
    const detail = lifecycleDetail.defined.added;
    this.#emit(domain.reference, { kind: "lifecycle", event: lifecycleEvent.defined, detail });
    return domain;
  }

  async createXml(xml: string, options: StartOptions = {}): Promise<SessionDomain> {
    const definition = await this.#parse(xml);
    const uuid = definition.uuid ?? "";
    const present = this.#domains.get(uuid);
    if (present !== undefined && (present.isActive || present.reference.name !== definition.name))
      throw domainExists(present.reference.name, uuid, present.isActive ? "is active already" : undefined);
    this.#assertNameIsFree(definition.name, uuid);
    if (present !== undefined) {
      await present.startAs(definition, options);
      return present;
    }
    const domain = new ManagedDomain(this.#parts, definition, false);
    this.#domains.set(uuid, domain);
    await domain.start(options);
    return domain;
  }

  /** A definition; one without a uuid is the domain of that name, if there is one. */
  async #parse(xml: string): Promise<Domain> {
    const { host } = this.#parts;
    const definition = parseForHost(host, xml);
    definition.devices.emulator ??= defaultEmulator;
    await fixMachine(host, definition, definition.devices.emulator);
    fixProcessor(definition);
    if (/<uuid>/.test(xml)) return definition;
    const known = [...this.#domains.values()].find(({ reference }) => reference.name === definition.name);
    definition.uuid = known?.reference.uuid ?? definition.uuid ?? nodeCrypto().randomUUID();
    return definition;
  }

  async startMarked(): Promise<void> {
    const { host, paths } = this.#parts;
    if (!isFirstThisBoot(host, paths, "autostarted")) return;
    for (const domain of [...this.#domains.values()]) {
      const { autostart, autostartOnce } = domain;
      // Whether it succeeds or not: as libvirt's.
      if (autostartOnce) await domain.setAutostart(false, "next-boot");
      if (!(autostart || autostartOnce) || domain.isActive) continue;
      try {
        await domain.start();
      } catch (error) {
        this.#problems.push({ path: domain.reference.name, message: toHostdevError(error).message });
      }
    }
  }

  onEvent(listener: SessionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    for (const domain of this.#domains.values()) domain.release();
    this.#unlock();
  }

  #emit(domain: DomainReference, event: SessionEvent): void {
    for (const listener of this.#listeners) listener(domain, event);
  }

  #assertNameIsFree(name: string, uuid: string): void {
    const other = [...this.#domains.values()].find(({ reference }) => reference.name === name);
    if (other !== undefined && other.reference.uuid !== uuid) throw domainExists(name, other.reference.uuid);
  }
}
