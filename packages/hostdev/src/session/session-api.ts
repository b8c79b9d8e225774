// SPDX-License-Identifier: Apache-2.0

/**
 * The engine of a user's session: his domains, defined and running. What the RPC procedures and the embedded `run`
 * are written against. `openSession` makes it.
 *
 * Everything may throw `HD_NO_DOMAIN` once the domain has gone, `HD_DOMAIN_STATE` when the domain is not in the state
 * that the act needs, and `HD_QMP_*` when QEMU does not do its part. Acts on one domain happen one after the other.
 */
import type { Duplex } from "node:stream";
import type { Domain } from "../domain/domain.ts";
import type { DomainState } from "./domain-state.ts";
import type { StartMark } from "./domain-store.ts";
import type { LiveVm } from "./live-vm.ts";
import type { DomainReference, SessionEvent, SessionListener } from "./session-events.ts";

export type { DomainState } from "./domain-state.ts";
export type { DomainReference, SessionEvent, SessionListener } from "./session-events.ts";

/** What may be special about a start. */
export interface StartOptions {
  /** The guest waits for `resume`. */
  readonly paused?: boolean;
  /** Nothing saved may be used. There never is anything: sessions do not save guests. */
  readonly forceBoot?: boolean;
  /** The firmware's variables are made anew from their template. */
  readonly resetNvram?: boolean;
  /** Starts though `preflight` found something; QEMU then says what it thinks of it. */
  readonly skipChecks?: boolean;
}

/** Which side of a domain an act is for; `current` is `live` for a running domain, else `config`. */
export type Impact = "live" | "config" | "both" | "current";

/** How a domain is to be asked to power off; libvirt's default is to try the agent first, if there is one. */
export type ShutdownMode = "default" | "acpi" | "agent";

/** A view of a domain's XML. */
export interface XmlOptions {
  /** The definition for the next start, also while it runs. */
  readonly inactive?: boolean;
  /** With passwords. */
  readonly secure?: boolean;
}

export interface DomainInfo extends DomainState {
  readonly maxMemoryKiB: number;
  readonly memoryKiB: number;
  readonly vcpus: number;
  /** Of the QEMU process, all threads; 0 when it does not run. */
  readonly cpuTimeNs: bigint;
}

export interface VcpuInfo {
  readonly number: number;
  /** `virVcpuState`: offline 0, running 1, blocked 2. */
  readonly state: number;
  readonly cpuTimeNs: bigint;
  /** The host's CPU that it was last on; -1 unknown. */
  readonly cpu: number;
  /** The host's thread that runs it. */
  readonly thread: number;
}

export type StatsGroup = "state" | "cpu" | "balloon" | "vcpu" | "interface" | "block" | "iothread" | "dirtyrate";

/** One of libvirt's typed parameters: `{ field: "cpu.time", type: "ullong", value: 12n }`. */
export type StatsField =
  | { readonly field: string; readonly type: "int" | "uint"; readonly value: number }
  | { readonly field: string; readonly type: "llong" | "ullong"; readonly value: bigint }
  | { readonly field: string; readonly type: "double"; readonly value: number }
  | { readonly field: string; readonly type: "boolean"; readonly value: boolean }
  | { readonly field: string; readonly type: "string"; readonly value: string };

export interface BlockSummary {
  /** As the guest's disk is named in the XML: `vda`. */
  readonly target: string;
  readonly type: string;
  readonly device: string;
  /** Path or URL; `undefined` for an empty drive. */
  readonly source: string | undefined;
}

/** What `virDomainGetBlockInfo` tells, in bytes. */
export interface BlockInfo {
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly physical: bigint;
}

/** Counters of a disk since the start. */
export interface BlockStats {
  readonly readRequests: bigint;
  readonly readBytes: bigint;
  readonly readTimeNs: bigint;
  readonly writeRequests: bigint;
  readonly writeBytes: bigint;
  readonly writeTimeNs: bigint;
  readonly flushRequests: bigint;
  readonly flushTimeNs: bigint;
}

export interface InterfaceSummary {
  readonly alias: string | undefined;
  readonly type: string;
  /** The host's side, where it has a name. */
  readonly target: string | undefined;
  readonly source: string | undefined;
  readonly model: string | undefined;
  readonly mac: string | undefined;
}

/** How to reach a console or a screen of a running domain. */
export interface Connection {
  readonly kind: "console" | "vnc" | "spice" | "dbus";
  /** Unix socket or pty; `undefined` when it is a TCP port. */
  readonly path: string | undefined;
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/** What became of a request to take a device out of a running guest. */
export type Unplug =
  | "removed"
  /** The guest has not answered in time; a `device-removed` or `device-removal-failed` event may follow. */
  | "requested";

/** `description` 0, `title` 1, `element` 2 of libvirt. */
export type MetadataKind = "description" | "title" | "element";

/** What changes a domain: its run, its definition, or both. What one of them throws leaves the definition as it was. */
export interface DomainChange {
  /** Does it to QEMU, and notes it in `vm.domain`, the live definition. @returns what is told then, if anything. */
  readonly live: (vm: LiveVm) => Promise<SessionEvent> | Promise<void> | void;
  /** Does it to a copy of the definition, which then takes its place. */
  readonly config: (definition: Domain) => void;
}

/** One domain of the session. Stays usable, by its uuid, across starts, ends, renames. */
export interface SessionDomain {
  readonly reference: DomainReference;
  readonly state: DomainState;
  readonly isActive: boolean;
  readonly isPersistent: boolean;
  /** Whether the definition was changed while the domain runs. */
  readonly isUpdated: boolean;
  /** Whether it is started at each boot. */
  readonly autostart: boolean;
  /** Whether it is started at the next boot, and not at those after it. */
  readonly autostartOnce: boolean;
  /** Process id of QEMU; `undefined` when it does not run. */
  readonly pid: number | undefined;

  start(options?: StartOptions): Promise<void>;
  /** Asks the guest; whether it does is its own affair. */
  shutdown(mode?: ShutdownMode): Promise<void>;
  reboot(mode?: ShutdownMode): Promise<void>;
  /** As the button on the case. */
  reset(): Promise<void>;
  /** Ends QEMU. `graceful`: never by SIGKILL, and fails when SIGTERM does not do. */
  destroy(options?: { readonly graceful?: boolean }): Promise<void>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** Wakes a guest that suspended itself to memory. */
  wakeup(): Promise<void>;

  /** Of a running domain: it becomes transient. @throws `HD_NVRAM_KEPT` when there is an NVRAM file and no word on it. */
  undefine(options?: { readonly nvram?: "remove" | "keep" }): Promise<void>;
  setAutostart(enabled: boolean, mark?: StartMark): Promise<void>;
  rename(name: string): Promise<void>;

  getXml(options?: XmlOptions): string;
  /** What `getXml` writes, to look at. */
  model(options?: { readonly inactive?: boolean }): Domain;
  /** The run, to ask QEMU something. @param act what for, in errors. */
  requireVm(act: string): LiveVm;
  /** Changes it, on the sides that `impact` says. @param act what is done, in errors: "change the memory of". */
  change(act: string, impact: Impact, change: DomainChange): Promise<void>;
  /** @throws `HD_NO_METADATA` when there is none. */
  getMetadata(kind: MetadataKind, uri: string | undefined, impact: Impact): string;
  /** `undefined` removes. `key` is the prefix for `uri`. */
  setMetadata(
    kind: MetadataKind,
    value: string | undefined,
    key: string | undefined,
    uri: string | undefined,
    impact: Impact,
  ): Promise<void>;

  /** Remarks on the run, in libvirt's words. */
  readonly messages: readonly string[];
  /** Notes that something is done past us. */
  taint(text: string): void;

  info(): Promise<DomainInfo>;
  vcpus(): Promise<readonly VcpuInfo[]>;
  /** What is not known of a domain is left out, as libvirt does. */
  stats(groups: readonly StatsGroup[]): Promise<readonly StatsField[]>;
  blocks(inactive?: boolean): readonly BlockSummary[];
  blockInfo(target: string): Promise<BlockInfo>;
  blockStats(target: string): Promise<BlockStats>;
  interfaces(inactive?: boolean): readonly InterfaceSummary[];
  connections(): readonly Connection[];
  /** How to reach a screen, by its place in the XML. @throws `HD_NO_GUEST_DEVICE`, also for one that listens nowhere. */
  screen(index: number): Connection;

  /** @throws `HD_DOMAIN_INVALID`, `HD_DOMAIN_UNSUPPORTED`, `HD_MEMLOCK_TOO_LOW`; `HD_GUEST_DEVICE_EXISTS`. */
  attachDevice(xml: string, impact: Impact): Promise<void>;
  /** @throws `HD_NO_GUEST_DEVICE`; `HD_UNPLUG_REJECTED` when the guest refuses. */
  detachDevice(xml: string, impact: Impact): Promise<Unplug>;
  /** By the alias, which the event `device-added` and the live XML tell. */
  detachDeviceAlias(alias: string, impact: Impact): Promise<Unplug>;
  /** Changes what can be changed: the medium of a drive, the link of a card. */
  updateDevice(xml: string, impact: Impact): Promise<void>;

  /** @throws `HD_NO_GUEST_DEVICE` when there is no such console; `HD_CONSOLE_BUSY` when somebody has it, unless `force`. */
  openConsole(options?: { readonly alias?: string; readonly force?: boolean }): Promise<Duplex>;
}

/** A file of the store that could not be read; it is left where it is, and so is what it stands for. */
export interface StoreProblem {
  readonly path: string;
  readonly message: string;
}

/** All domains of a user. */
export interface Session {
  /** Running ones by their ids, then the others by name. */
  list(): readonly SessionDomain[];
  /** @throws `HD_NO_DOMAIN`. */
  byUuid(uuid: string): SessionDomain;
  byName(name: string): SessionDomain;
  byId(id: number): SessionDomain;

  /** Makes or changes a persistent domain. @throws `HD_DOMAIN_EXISTS`, and all that `parseDomain` throws. */
  defineXml(xml: string): Promise<SessionDomain>;
  /** Starts a domain that goes when it ends. */
  createXml(xml: string, options?: StartOptions): Promise<SessionDomain>;
  /** Starts the domains that are marked for it, once a boot. Failures are told as their states. */
  startMarked(): Promise<void>;

  /** @returns the end of it. */
  onEvent(listener: SessionListener): () => void;
  readonly problems: readonly StoreProblem[];
  /** Lets go of everything: running domains go on, for the next `openSession`. */
  close(): Promise<void>;
}
