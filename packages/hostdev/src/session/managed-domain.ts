// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import type { Domain } from "../domain/domain.ts";
import { formatDomain } from "../domain/parse.ts";
import { withBackingChains } from "./backing-chain.ts";
import { blockInfo, blockStats } from "./block-stats.ts";
import { findPort, openPort } from "./console.ts";
import { DomainLife } from "./domain-life.ts";
import { type DomainRun, noteRun } from "./domain-run.ts";
import { lifecycleDetail, lifecycleEvent } from "./domain-state.ts";
import type { StartMark } from "./domain-store.ts";
import { domainXml } from "./domain-xml.ts";
import { attach } from "./hotplug/attach.ts";
import { withChangedDevice, withDevice, withoutDevice } from "./hotplug/definition.ts";
import { detach } from "./hotplug/detach.ts";
import { type Pluggable, readDevice, requireAlias, requireLike } from "./hotplug/device-xml.ts";
import { update } from "./hotplug/update.ts";
import type { LiveVm } from "./live-vm.ts";
import { changeMetadata, metadataNumber, readMetadata } from "./metadata.ts";
import { nvramPathOf } from "./nvram.ts";
import { parseForHost } from "./parse-for-host.ts";
import type * as api from "./session-api.ts";
import { consoleBusy, noGuestDevice, nvramKept, wrongState } from "./session-errors.ts";
import * as stats from "./stats.ts";
import { blocksOf, connectionsOf, interfacesOf, screenOf } from "./summaries.ts";

/** A domain of a session: its definition, if it is persistent, and its run, if it runs. */
export class ManagedDomain extends DomainLife implements api.SessionDomain {
  readonly #consoles = new Map<string, Duplex>();

  get autostart(): boolean {
    return this.isPersistent && this.parts.store.isMarked(this.reference.uuid, "each-boot");
  }

  get autostartOnce(): boolean {
    return this.isPersistent && this.parts.store.isMarked(this.reference.uuid, "next-boot");
  }

  undefine({ nvram }: { readonly nvram?: "remove" | "keep" } = {}): Promise<void> {
    return this.exclusive(async () => {
      if (!this.isPersistent) throw wrongState("undefine", this.reference.name, "transient", "persistent");
      const { host, store } = this.parts;
      const path = nvramPathOf(host, this.definition);
      if (path !== undefined && host.status(path) !== undefined) {
        if (nvram === undefined) throw nvramKept(this.reference.name, path);
        if (nvram === "remove") host.removeFile(path);
      }
      const { reference } = this;
      store.remove(reference.uuid);
      this.isPersistent = false;
      if (this.run === undefined) this.parts.forget(reference.uuid);
      const detail = lifecycleDetail.undefined.removed;
      this.parts.emit(reference, { kind: "lifecycle", event: lifecycleEvent.undefined, detail });
    });
  }

  async setAutostart(enabled: boolean, mark: StartMark = "each-boot"): Promise<void> {
    if (!this.isPersistent) throw wrongState("mark", this.reference.name, "transient", "persistent");
    this.parts.store.mark(this.reference.uuid, mark, enabled);
  }

  rename(name: string): Promise<void> {
    return this.exclusive(async () => {
      if (this.run !== undefined) throw this.wrongState("rename", "shut off");
      const { reference } = this;
      if (name === reference.name) return;
      this.parts.assertNameIsFree(name, reference.uuid);
      const renamed = this.#copyOf({ ...this.definition, name });
      this.parts.store.save(renamed, reference.uuid);
      this.definition = renamed;
      const tell = (domain: api.DomainReference, event: number, detail: number) =>
        this.parts.emit(domain, { kind: "lifecycle", event, detail });
      tell(reference, lifecycleEvent.undefined, lifecycleDetail.undefined.renamed);
      tell(this.reference, lifecycleEvent.defined, lifecycleDetail.defined.renamed);
    });
  }

  /** Gives it a new definition, for the next start, and makes it persistent. */
  define(definition: Domain): Promise<void> {
    return this.exclusive(async () => {
      this.parts.assertNameIsFree(definition.name, this.reference.uuid);
      this.#saveDefinition(definition);
      const detail = lifecycleDetail.defined.updated;
      this.parts.emit(this.reference, { kind: "lifecycle", event: lifecycleEvent.defined, detail });
    });
  }

  getXml({ inactive = false, secure = false }: api.XmlOptions = {}): string {
    if (this.run === undefined || (inactive && this.isPersistent)) return domainXml(this.definition, undefined, secure);
    const { id, vm } = this.run;
    if (inactive) return domainXml(vm.domain, undefined, secure);
    return domainXml(withBackingChains(this.parts.host, vm.domain), id, secure);
  }

  getMetadata(kind: api.MetadataKind, uri: string | undefined, impact: api.Impact): string {
    const sides = this.#sides("read metadata of", impact);
    return readMetadata(sides.live?.vm.domain ?? sides.config ?? this.definition, kind, uri);
  }

  setMetadata(
    kind: api.MetadataKind,
    value: string | undefined,
    key: string | undefined,
    uri: string | undefined,
    impact: api.Impact,
  ): Promise<void> {
    return this.exclusive(async () => {
      const { live, config } = this.#sides("change metadata of", impact);
      const changed = config === undefined ? undefined : this.#copyOf(config);
      if (changed !== undefined) changeMetadata(changed, kind, value, key, uri);
      if (live !== undefined) changeMetadata(live.vm.domain, kind, value, key, uri);
      if (changed !== undefined) this.#saveDefinition(changed);
      this.onEvent({ kind: "metadata-change", type: metadataNumber[kind], uri });
    });
  }

  model({ inactive = false }: { readonly inactive?: boolean } = {}): Domain {
    return this.#shown(inactive && this.isPersistent);
  }

  requireVm(act: string): LiveVm {
    return this.requireRun(act).vm;
  }

  change(act: string, impact: api.Impact, change: api.DomainChange): Promise<void> {
    return this.exclusive(async () => {
      const { live, config } = this.#sides(act, impact);
      const changed = config === undefined ? undefined : this.#copyOf(config);
      if (changed !== undefined) change.config(changed);
      const checked = changed === undefined ? undefined : this.#copyOf(changed);
      const event = live === undefined ? undefined : await change.live(live.vm);
      if (checked !== undefined) this.#saveDefinition(checked);
      if (live !== undefined) noteRun(this.parts, live);
      if (event !== undefined) this.onEvent(event as api.SessionEvent);
    });
  }

  get messages(): readonly string[] {
    return [...(this.run?.vm.taints ?? [])].map((taint) => `tainted: ${taint}`);
  }

  taint(text: string): void {
    const run = this.requireRun("taint");
    if (run.vm.taints.has(text)) return;
    run.vm.taints.add(text);
    noteRun(this.parts, run);
  }

  info(): Promise<api.DomainInfo> {
    return stats.info(this.parts.host, this.definition, this.run?.vm, this.state);
  }

  vcpus(): Promise<readonly api.VcpuInfo[]> {
    return stats.vcpus(this.parts.host, this.requireRun("look at the CPUs of").vm);
  }

  stats(groups: readonly api.StatsGroup[]): Promise<readonly api.StatsField[]> {
    return stats.stats(this.parts.host, this.definition, this.run?.vm, this.state, groups);
  }

  blocks(inactive = false): readonly api.BlockSummary[] {
    return blocksOf(this.#shown(inactive));
  }

  blockInfo(target: string): Promise<api.BlockInfo> {
    return blockInfo(this.parts.host, this.#shown(false), this.run?.vm, target);
  }

  blockStats(target: string): Promise<api.BlockStats> {
    return blockStats(this.requireRun("look at the disks of").vm, target);
  }

  interfaces(inactive = false): readonly api.InterfaceSummary[] {
    return interfacesOf(this.#shown(inactive));
  }

  connections(): readonly api.Connection[] {
    return this.run === undefined ? [] : connectionsOf(this.run.vm.domain);
  }

  screen(index: number): api.Connection {
    const { graphics } = this.requireRun("connect to").vm.domain.devices;
    const found = graphics[index];
    const screen = found === undefined ? undefined : screenOf(found);
    if (screen === undefined) throw noGuestDevice(this.reference.name, `screen ${index} that listens`);
    return screen;
  }

  attachDevice(xml: string, impact: api.Impact): Promise<void> {
    return this.exclusive(async () => {
      const { live, config } = this.#sides("attach a device to", impact);
      const changed = config === undefined ? undefined : withDevice(this.parts.host, config, xml);
      if (live !== undefined) this.onEvent({ kind: "device-added", alias: await attach(this.parts.host, live, xml) });
      if (changed !== undefined) this.#saveDefinition(changed);
    });
  }

  async detachDevice(xml: string, impact: api.Impact): Promise<api.Unplug> {
    const wanted = readDevice(xml);
    return this.#detach(impact, (domain) => requireLike(domain, wanted));
  }

  detachDeviceAlias(alias: string, impact: api.Impact): Promise<api.Unplug> {
    return this.#detach(impact, (domain) => requireAlias(domain, alias));
  }

  #detach(impact: api.Impact, find: (domain: Domain) => Pluggable): Promise<api.Unplug> {
    return this.exclusive(async () => {
      const { live, config } = this.#sides("detach a device from", impact);
      const changed = config === undefined ? undefined : withoutDevice(this.parts.host, config, find);
      const answer = live === undefined ? "removed" : await detach(live.vm, find(live.vm.domain));
      if (changed !== undefined) this.#saveDefinition(changed);
      return answer;
    });
  }

  updateDevice(xml: string, impact: api.Impact): Promise<void> {
    return this.exclusive(async () => {
      const { live, config } = this.#sides("change a device of", impact);
      const changed = config === undefined ? undefined : withChangedDevice(this.parts.host, config, xml);
      if (live !== undefined) await update(this.parts.host, live, xml);
      if (changed !== undefined) this.#saveDefinition(changed);
      if (live !== undefined) noteRun(this.parts, live);
    });
  }

  async openConsole({ alias, force = false }: { readonly alias?: string; readonly force?: boolean } = {}) {
    const { vm } = this.requireRun("connect to");
    const port = findPort(vm.domain, alias);
    const other = this.#consoles.get(port.path);
    if (other !== undefined && !force) throw consoleBusy(this.reference.name, port.alias);
    other?.destroy();
    const stream = await openPort(this.parts.host, port.path);
    this.#consoles.set(port.path, stream);
    stream.once("close", () => {
      if (this.#consoles.get(port.path) === stream) this.#consoles.delete(port.path);
    });
    return stream;
  }

  /** The sides of a domain that an act is for. */
  #sides(act: string, impact: api.Impact): { readonly live?: DomainRun; readonly config?: Domain } {
    const isLive = impact === "live" || impact === "both" || (impact === "current" && this.isActive);
    const isConfig = impact === "config" || impact === "both" || (impact === "current" && !this.isActive);
    if (isConfig && !this.isPersistent)
      throw wrongState(`${act} the definition of`, this.reference.name, "transient", "persistent");
    return {
      ...(isLive ? { live: this.requireRun(act) } : {}),
      ...(isConfig ? { config: this.definition } : {}),
    };
  }

  #shown(inactive: boolean): Domain {
    return inactive ? this.definition : (this.run?.vm.domain ?? this.definition);
  }

  /** A definition that can be changed without touching the one in force. */
  #copyOf(domain: Domain): Domain {
    return parseForHost(this.parts.host, formatDomain(domain));
  }

  #saveDefinition(definition: Domain): void {
    this.parts.store.save(definition, this.reference.uuid);
    this.definition = definition;
    this.isPersistent = true;
    this.isUpdated = this.isActive;
  }
}
