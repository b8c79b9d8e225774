// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { ProcessIdentity } from "../core/processes.ts";
import type { Domain } from "../domain/domain.ts";
import { startCommands } from "../qemu/start-commands.ts";
import type { QmpEvent } from "../qmp/client.ts";
import type { QmpReturn } from "../qmp/commands.ts";
import { applyAffinity } from "./affinity.ts";
import { plugBridgeCards } from "./bridge-cards.ts";
import { findTerminals } from "./console.ts";
import { type DomainState, domainState, lifecycleDetail, lifecycleEvent, stateReason } from "./domain-state.ts";
import { type Ending, endingOf, stateOf } from "./ending.ts";
import { giveUpAgent, hasAgent } from "./guest-agent.ts";
import { dropUnusedNodes } from "./hotplug/nodes.ts";
import { startUnplugging, type Unplugging } from "./hotplug/unplugging.ts";
import { noteCount } from "./hotplug/vcpus.ts";
import { findScreens } from "./screens.ts";
import type { SessionEvent } from "./session-events.ts";
import { agentPort, reactTo, type VmAct } from "./vm-events.ts";
import { type Launch, readOutput, VmProcess } from "./vm-process.ts";

/** Is told what happens to a VM, after its state has changed. */
export type VmListener = (event: SessionEvent) => void;

/** How long QEMU may take to end by itself after SIGTERM, to write what it has cached. */
const termTimeoutMs = 10_000;

/** A running VM: its state, and what can be done with it. Its end is the end of it. */
export class LiveVm {
  readonly domain: Domain;
  readonly process: VmProcess;
  /** Resolves when QEMU has ended; never rejects. */
  readonly ended: Promise<Ending>;
  readonly #host: Host;
  readonly #tell: VmListener;
  readonly #logPath: string;
  #state: DomainState;
  #isStarting: boolean;
  #isRebooting = false;
  /** Between a power-off and the boot after it, which are a reboot to the outside. */
  #isRestarting = false;
  #isDestroyed = false;
  #isPanicked = false;
  #shutdownReason: string | undefined;
  /** What somebody has done past us, in libvirt's words: what we say of the VM may be wrong since. */
  readonly taints = new Set<string>();
  readonly #unplugs = new Map<string, Unplugging>();

  private constructor(
    host: Host,
    domain: Domain,
    process: VmProcess,
    logPath: string,
    state: DomainState,
    tell: VmListener,
    isStarting: boolean,
  ) {
    this.#host = host;
    this.domain = domain;
    this.process = process;
    this.#logPath = logPath;
    this.#state = state;
    this.#tell = tell;
    this.#isStarting = isStarting;
    process.onEvent((event) => this.#receive(event));
    this.ended = process.ended.then(({ status, signal }) => this.#conclude(status, signal));
  }

  /**
   * Starts a VM, which then waits for `run` or `stayPaused`. What the domain says beyond QEMU's arguments is done.
   *
   * @param domain its live definition, which is changed by what QEMU chooses, and by hot-plugging.
   * @param onSpawned called as soon as there is a process.
   * @throws {HostdevError} as `VmProcess.start`; `HD_QMP_COMMAND`; `HD_COMMAND_FAILED` for a pin. No process is left then.
   */
  static async start(
    host: Host,
    domain: Domain,
    launch: Launch,
    tell: VmListener,
    onSpawned?: (process: ProcessIdentity) => void,
  ): Promise<LiveVm> {
    const process = await VmProcess.start(host, launch, onSpawned);
    const state = { state: domainState.paused, reason: stateReason.paused.startingUp };
    const vm = new LiveVm(host, domain, process, launch.logPath, state, tell, true);
    try {
      await plugBridgeCards(host, process, launch.bridgeCards ?? []);
      for (const { execute, arguments: given } of startCommands(domain)) await process.execute(execute, given);
      await findScreens(domain, process);
      findTerminals(domain, await process.execute("query-chardev"));
      await applyAffinity(host, vm);
      return vm;
    } catch (error) {
      await vm.destroy();
      throw error;
    }
  }

  /**
   * Takes over a VM that an earlier program of ours started, and finds out its state.
   *
   * @returns `undefined` when it runs no more.
   */
  static async adopt(
    host: Host,
    domain: Domain,
    found: { readonly process: ProcessIdentity; readonly monitorPath: string; readonly logPath: string },
    state: DomainState,
    tell: VmListener,
  ): Promise<LiveVm | undefined> {
    const process = await VmProcess.adopt(host, found.process, found.monitorPath);
    if (process === undefined) return undefined;
    const vm = new LiveVm(host, domain, process, found.logPath, state, tell, false);
    if (process.isReachable) vm.#catchUp(await process.execute("query-status"));
    return vm;
  }

  get state(): DomainState {
    return this.#state;
  }

  /** Whether neither `run` nor `stayPaused` has been done. */
  get isStarting(): boolean {
    return this.#isStarting;
  }

  get isRunning(): boolean {
    return this.#state.state === domainState.running;
  }

  /** The end of a start: lets the guest run. */
  async run(): Promise<void> {
    await this.process.execute("cont");
    this.#isStarting = false;
    this.#state = { state: domainState.running, reason: stateReason.running.booted };
    this.#tellLifecycle(lifecycleEvent.resumed, lifecycleDetail.resumed.unpaused);
    this.#tellLifecycle(lifecycleEvent.started, lifecycleDetail.started.booted);
  }

  /** The other end of a start: the guest waits for `resume`. */
  stayPaused(): void {
    this.#isStarting = false;
    this.#state = { state: domainState.paused, reason: stateReason.paused.user };
    this.#tellLifecycle(lifecycleEvent.started, lifecycleDetail.started.booted);
    this.#tellLifecycle(lifecycleEvent.suspended, lifecycleDetail.suspended.paused);
  }

  /** The state changes by QEMU's event, which comes before the answer. */
  async suspend(): Promise<void> {
    await this.process.execute("stop");
  }

  async resume(): Promise<void> {
    await this.process.execute("cont");
  }

  async reset(): Promise<void> {
    await this.process.execute("system_reset");
  }

  async wakeup(): Promise<void> {
    await this.process.execute("system_wakeup");
  }

  /** Asks the guest to power off (ACPI button); whether it does is its own affair. `toReboot`: and then boots it again. */
  async pressPowerButton({ toReboot = false }: { readonly toReboot?: boolean } = {}): Promise<void> {
    this.expectReboot(toReboot);
    await this.process.execute("system_powerdown");
  }

  /** Whether the guest's next power-off is the first half of a reboot; a later request takes the place of an earlier one. */
  expectReboot(isExpected: boolean): void {
    this.#isRebooting = isExpected;
  }

  /**
   * Ends QEMU: SIGTERM, with which it writes what it has cached, and, unless `graceful`, SIGKILL if that does not do.
   *
   * @returns whether it has ended.
   */
  async destroy({ graceful = false }: { readonly graceful?: boolean } = {}): Promise<boolean> {
    this.#isDestroyed = true;
    if (await this.#endBy("SIGTERM", termTimeoutMs)) return true;
    if (graceful) this.#isDestroyed = false;
    return !graceful && this.#endBy("SIGKILL", 30_000); // devices take a while to be reset
  }

  /** What becomes of a request to take a device out; `requested` when the guest has not answered in time. */
  awaitUnplug(alias: string, timeoutMs: number): Unplugging {
    const waiting = startUnplugging(timeoutMs, () => this.#unplugs.delete(alias));
    this.#unplugs.set(alias, waiting);
    void this.ended.then(() => waiting.settle("removed"));
    return waiting;
  }

  /** A device is no more in QEMU: takes it out of the domain, and what was behind it out of QEMU. */
  forget(alias: string): void {
    for (const list of Object.values(this.domain.devices)) {
      if (!Array.isArray(list)) continue;
      const at = (list as { readonly alias?: string }[]).findIndex((device) => device.alias === alias);
      if (at !== -1) list.splice(at, 1);
    }
    this.#unplugs.get(alias)?.settle("removed");
    if (/^vcpu\d+$/.test(alias)) noteCount(this, -1);
    if (alias.startsWith("net")) void this.process.execute("netdev_del", { id: `host${alias}` }).catch(() => {});
    void dropUnusedNodes(this.process).catch(() => {}); // they cost nothing but a file that stays open
  }

  /** Lets go of it: it runs on. */
  release(): void {
    this.process.release();
  }

  async #endBy(signal: "SIGTERM" | "SIGKILL", timeoutMs: number): Promise<boolean> {
    this.process.kill(signal);
    let timer: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), timeoutMs);
    });
    const isEnded = await Promise.race([this.ended.then(() => true), timeIsUp]);
    clearTimeout(timer);
    return isEnded;
  }

  #receive(event: QmpEvent): void {
    if (event.event === "RESET" && this.#isStarting) return; // ours, of a guest that has not run
    if (event.event === "SHUTDOWN") this.#shutdownReason ??= String(event.data["reason"]);
    if (event.event === "GUEST_PANICKED") this.#isPanicked = true;
    const reaction = reactTo(event, {
      state: this.#state,
      domain: this.domain,
      isStarting: this.#isStarting || this.#isRestarting,
      isRebooting: this.#isRebooting,
    });
    if (reaction.state !== undefined) this.#state = reaction.state;
    if (reaction.act !== undefined) this.#act(reaction.act);
    for (const one of reaction.events) this.#tell(one);
  }

  #act(act: VmAct): void {
    switch (act.kind) {
      case "end":
        return this.process.kill("SIGTERM");
      case "restart":
        void this.#restart().catch(() => this.process.kill("SIGTERM"));
        return;
      case "device-gone":
        return this.forget(act.alias);
      case "device-stays":
        return this.#unplugs.get(act.alias)?.settle("rejected");
      case "memory":
        this.domain.currentMemory = { memoryKiB: act.actualKiB };
        return;
      case "channel": {
        const channel = this.domain.devices.channels.find((one) => one.alias === act.alias);
        if (channel?.target.type === "virtio") channel.target.state = act.isOpen ? "connected" : "disconnected";
        if (!hasAgent(this.domain)) giveUpAgent(this.domain);
      }
    }
  }

  /** The second half of a reboot: libvirt calls it a fake one, as the same QEMU goes on. */
  async #restart(): Promise<void> {
    this.#isRestarting = true;
    this.#isRebooting = false;
    this.#shutdownReason = undefined;
    this.#isPanicked = false;
    try {
      await this.process.execute("system_reset");
      await this.process.execute("cont");
    } finally {
      this.#isRestarting = false;
    }
    if (this.#state.state === domainState.crashed) {
      this.#state = { state: domainState.running, reason: stateReason.running.crashed };
    }
  }

  /** QEMU's own word on the state, where it differs from what was written down. */
  #catchUp({ status, running }: QmpReturn<"query-status">): void {
    const { state } = this.#state;
    if (status === "shutdown") this.process.kill("SIGTERM");
    if (running && state !== domainState.running)
      this.#state = { state: domainState.running, reason: stateReason.running.unknown };
    if (!running && state === domainState.running) this.#state = stateOf(status);
    for (const { alias, target } of this.domain.devices.channels) {
      if (target.type !== "virtio" || target.name !== agentPort || target.state !== "connected") continue;
      this.#tell({ kind: "agent-lifecycle", state: alias === undefined ? 2 : 1, reason: 0 });
    }
  }

  #tellLifecycle(event: number, detail: number): void {
    this.#tell({ kind: "lifecycle", event, detail });
  }

  #conclude(status: number | null, signal: string | null): Ending {
    const known = endingOf(this.#isDestroyed, this.#isPanicked, this.#shutdownReason);
    return known ?? { kind: "failed", status, signal, output: readOutput(this.#host, this.#logPath) };
  }
}
