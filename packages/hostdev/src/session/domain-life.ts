// SPDX-License-Identifier: Apache-2.0
import { HostdevError, toHostdevError } from "../core/errors.ts";
import type { Domain } from "../domain/domain.ts";
import { formatDomain } from "../domain/parse.ts";
import { assertStartable } from "./assert-startable.ts";
import { adoptRun, type DomainRun, endRun, noteRun, startRun } from "./domain-run.ts";
import { domainState, lifecycleEvent, stateReason } from "./domain-state.ts";
import { afterEnding, type Ending } from "./ending.ts";
import { askAgent, hasAgent, hasAgentPort } from "./guest-agent.ts";
import type { LiveVm } from "./live-vm.ts";
import { parseForHost } from "./parse-for-host.ts";
import type * as api from "./session-api.ts";
import { wrongState } from "./session-errors.ts";
import type { SessionEvent } from "./session-events.ts";
import type { SessionParts } from "./session-parts.ts";
import type { VmStatus } from "./status-file.ts";

const stateNames: Readonly<Record<number, string>> = {
  [domainState.running]: "running",
  [domainState.paused]: "paused",
  [domainState.shutdown]: "shutting down",
  [domainState.shutOff]: "shut off",
  [domainState.crashed]: "crashed",
  [domainState.pmSuspended]: "suspended",
};

/** The half of a domain that runs: its starts and ends, and what is asked of its guest. */
export class DomainLife {
  protected readonly parts: SessionParts;
  protected definition: Domain;
  protected run: DomainRun | undefined;
  /** Whether the definition has changed since the start. */
  isUpdated = false;
  isPersistent: boolean;
  #offState: api.DomainState = { state: domainState.shutOff, reason: stateReason.shutOff.unknown };
  #isReleased = false;
  #jobs: Promise<unknown> = Promise.resolve();

  /** @param definition of a transient domain: what it was made from. */
  constructor(parts: SessionParts, definition: Domain, isPersistent: boolean) {
    this.parts = parts;
    this.definition = definition;
    this.isPersistent = isPersistent;
  }

  get reference(): api.DomainReference {
    const { name, uuid = "" } = this.run?.vm.domain ?? this.definition;
    return { name, uuid, id: this.run?.id ?? -1 };
  }

  get state(): api.DomainState {
    return this.run?.vm.state ?? this.#offState;
  }

  get isActive(): boolean {
    return this.run !== undefined;
  }

  get pid(): number | undefined {
    return this.run?.vm.process.identity.pid;
  }

  start(options: api.StartOptions = {}): Promise<void> {
    return this.startAs(this.definition, options);
  }

  /** Starts it with another definition than its own, this once. */
  startAs(definition: Domain, options: api.StartOptions): Promise<void> {
    return this.exclusive(async () => {
      if (this.run !== undefined) throw this.wrongState("start", "shut off");
      const domain = parseForHost(this.parts.host, formatDomain(definition));
      try {
        await assertStartable(this.parts.host, domain, options);
        this.#use(await startRun(this.parts, domain, (event) => this.onEvent(event), options.resetNvram));
        const { vm } = this.requireRun("start");
        // A guest that has not begun has no agent yet: so they are told who look for one.
        if (hasAgentPort(domain)) this.onEvent({ kind: "agent-lifecycle", state: 2, reason: 1 });
        if (options.paused === true) vm.stayPaused();
        else await vm.run();
      } catch (error) {
        await (this.run as DomainRun | undefined)?.vm.destroy();
        this.#offState = { state: domainState.shutOff, reason: stateReason.shutOff.failed };
        if (!this.isPersistent) this.parts.forget(this.reference.uuid);
        throw error;
      }
    });
  }

  /** Takes over the run that an earlier program of ours began. */
  async adopt(status: VmStatus): Promise<void> {
    const run = await adoptRun(this.parts, status, (event) => this.onEvent(event));
    if (run !== undefined) return this.#use(run);
    this.#offState = { state: domainState.shutOff, reason: stateReason.shutOff.crashed };
    if (!this.isPersistent) this.parts.forget(this.reference.uuid);
  }

  /** Lets go of its run, which goes on. */
  release(): void {
    this.#isReleased = true;
    this.run?.vm.release();
  }

  shutdown(mode: api.ShutdownMode = "default"): Promise<void> {
    return this.exclusive(async () => {
      const { vm } = this.requireRun("shut down");
      if (!(await this.#askAgent(vm, mode, "powerdown"))) await vm.pressPowerButton();
    });
  }

  reboot(mode: api.ShutdownMode = "default"): Promise<void> {
    return this.exclusive(async () => {
      const { vm } = this.requireRun("reboot");
      if (!(await this.#askAgent(vm, mode, "reboot"))) await vm.pressPowerButton({ toReboot: true });
    });
  }

  /** @returns whether the agent does it; unless only the agent may, there is another way. */
  async #askAgent(vm: LiveVm, mode: api.ShutdownMode, what: "powerdown" | "reboot"): Promise<boolean> {
    if (mode === "acpi" || (mode === "default" && !hasAgent(vm.domain))) return false;
    vm.expectReboot(false); // an earlier request, which the guest has not heeded, would make one of a power-off
    try {
      await askAgent(this.parts.host, vm.domain, what);
      return true;
    } catch (error) {
      if (mode === "agent") throw error;
      return false;
    }
  }

  reset(): Promise<void> {
    return this.exclusive(() => this.requireRun("reset").vm.reset());
  }

  /** Does not wait for other acts to end, as it is what ends them. */
  async destroy({ graceful = false }: { readonly graceful?: boolean } = {}): Promise<void> {
    if (this.run === undefined) await this.#jobs;
    const run = this.requireRun("destroy");
    if (await run.vm.destroy({ graceful })) return;
    const message = `Cannot destroy domain "${this.reference.name}": QEMU (process ${this.pid}) does not end`;
    throw new HostdevError("HD_TIMEOUT", message, { what: "QEMU", timeoutMs: 10_000 });
  }

  suspend(): Promise<void> {
    return this.exclusive(async () => {
      const { vm } = this.requireRun("suspend");
      if (vm.state.state === domainState.paused) return;
      if (!vm.isRunning) throw this.wrongState("suspend", "running");
      await vm.suspend();
    });
  }

  resume(): Promise<void> {
    return this.exclusive(async () => {
      const { vm } = this.requireRun("resume");
      if (vm.isRunning) throw this.wrongState("resume", "not running yet");
      if (vm.state.state !== domainState.paused) throw this.wrongState("resume", "paused");
      await vm.resume();
    });
  }

  wakeup(): Promise<void> {
    return this.exclusive(async () => {
      const { vm } = this.requireRun("wake");
      if (vm.state.state !== domainState.pmSuspended) throw this.wrongState("wake", "suspended");
      await vm.wakeup();
    });
  }

  /** Does one act after the other. */
  protected exclusive<T>(act: () => Promise<T>): Promise<T> {
    const job = this.#jobs.then(act);
    this.#jobs = job.catch(() => {});
    return job;
  }

  protected requireRun(act: string): DomainRun {
    if (this.run === undefined) throw this.wrongState(act, "running");
    return this.run;
  }

  protected wrongState(act: string, wanted: string): HostdevError<"HD_DOMAIN_STATE"> {
    return wrongState(act, this.reference.name, stateNames[this.state.state] ?? "in no known state", wanted);
  }

  /** Writes the change down, and tells it. */
  protected onEvent(event: SessionEvent): void {
    const { run } = this;
    try {
      // While it starts there is nothing yet that a later program could go on with.
      if (run !== undefined && event.kind !== "rtc-change" && event.kind !== "balloon-change") noteRun(this.parts, run);
    } catch (error) {
      this.#complain(error); // a full disk must not cut us off from QEMU
    }
    this.parts.emit(this.reference, event);
  }

  #use(run: DomainRun): void {
    this.run = run;
    this.isUpdated = false;
    void run.vm.ended.then((ending) => this.#finish(run, ending)).catch((error) => this.#complain(error));
  }

  /** What is to be done once QEMU has ended, for whatever reason. */
  #finish(run: DomainRun, ending: Ending): void {
    if (this.#isReleased) return; // then it is for the next session to find
    const { state, detail } = afterEnding(ending);
    const { reference } = this;
    this.#offState = run.vm.isStarting ? { state: domainState.shutOff, reason: stateReason.shutOff.failed } : state;
    this.run = undefined;
    this.isUpdated = false;
    endRun(this.parts, run);
    if (!this.isPersistent) this.parts.forget(reference.uuid);
    if (!run.vm.isStarting) this.parts.emit(reference, { kind: "lifecycle", event: lifecycleEvent.stopped, detail });
  }

  #complain(error: unknown): void {
    this.parts.complain({ path: this.parts.paths.runtime, message: toHostdevError(error).message });
  }
}
