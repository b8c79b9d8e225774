// SPDX-License-Identifier: Apache-2.0
import { dirname } from "node:path";
import type { Duplex } from "node:stream";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { type ProcessIdentity, readProc, readStartTime } from "../core/processes.ts";
import { isAtLeast, readMemlock, setMemlock } from "../memlock/limit.ts";
import { QmpClient, type QmpEvent } from "../qmp/client.ts";
import type { QmpArguments, QmpCommand, QmpReturn } from "../qmp/commands.ts";
import type { BridgeCard } from "./bridge-cards.ts";

/** A QEMU to be started: everything decided, nothing done. */
export interface Launch {
  readonly name: string;
  readonly emulator: string;
  readonly args: readonly string[];
  /** What has to be lockable; 0 without assigned devices, `all` that may be with `<locked/>`. */
  readonly memlockBytes: number | "all";
  /** Where QEMU makes its monitor's socket. */
  readonly monitorPath: string;
  /** Where what QEMU says goes; begun anew by each start. Its folder is there. */
  readonly logPath: string;
  /** Changes to the environment of QEMU. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Cards on bridges, which are plugged in before the guest runs. */
  readonly bridgeCards?: readonly BridgeCard[];
}

/** How a QEMU ended; all `null` when that cannot be known, since it was not our child. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: string | null;
}

/** How much of QEMU's words goes into messages. */
const maxOutputLength = 4096;
const longestPauseMs = 2000;

/**
 * A QEMU of ours, started or found again. It goes on when this program ends; a connection to its monitor that is cut
 * is made anew.
 */
export class VmProcess {
  readonly identity: ProcessIdentity;
  /** Resolves when QEMU is no more; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #host: Host;
  readonly #monitorPath: string;
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #qmp: QmpClient | undefined;
  #isOver = false;
  #isReleased = false;
  #settleAdopted: ((end: ProcessEnd) => void) | undefined;

  private constructor(
    host: Host,
    identity: ProcessIdentity,
    monitorPath: string,
    qmp: QmpClient | undefined,
    ended: Promise<ProcessEnd> | undefined,
  ) {
    this.#host = host;
    this.identity = identity;
    this.#monitorPath = monitorPath;
    const end = ended ?? new Promise<ProcessEnd>((resolve) => (this.#settleAdopted = resolve));
    this.ended = end.then(async (how) => {
      this.#isOver = true;
      // What it said last may still be on its way to us.
      await Promise.race([this.#qmp?.closed, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
      return how;
    });
    if (qmp !== undefined) this.#use(qmp);
    void this.#watch().catch(() => {}); // the host is gone, or this program is about to be
  }

  /**
   * Starts QEMU, which is to wait (`-S`), and connects to its monitor. The limit on locked memory is raised for it
   * as far as needed: only the soft limit, and never lowered, so that more can be plugged in later.
   *
   * Touches: starts a process; QEMU makes `monitorPath`. Needs: nothing beyond what `preflight` checks.
   * After a failure: no process is left.
   *
   * @param onSpawned called as soon as there is a process.
   * @throws {HostdevError} `HD_QEMU_NOT_FOUND`; `HD_QEMU_FAILED` with QEMU's own words; `HD_QMP_TIMEOUT`.
   */
  static async start(
    host: Host,
    launch: Launch,
    onSpawned: (identity: ProcessIdentity) => void = () => {},
    timeoutMs = 60_000,
  ): Promise<VmProcess> {
    await raiseSoftLimit(host, host.self.pid, launch.memlockBytes);
    const { emulator, args, logPath, environment: env = {} } = launch;
    const logHeading = `${[emulator, ...args].map(quoted).join(" ")}\n`;
    const program = await host.spawn(emulator, args, { logFile: logPath, logHeading, env }).catch((error) => {
      if (!(error instanceof HostdevError) || error.code !== "HD_COMMAND_NOT_FOUND") throw error;
      throw new HostdevError("HD_QEMU_NOT_FOUND", `There is no QEMU at ${emulator}`, { binary: emulator });
    });
    const identity = { pid: program.pid, startTime: readStartTime(host, program.pid) ?? 0 };
    try {
      onSpawned(identity);
      const qmp = await firstConnection(host, program, launch, timeoutMs);
      return new VmProcess(host, identity, launch.monitorPath, qmp, program.ended);
    } catch (error) {
      host.kill(program.pid, "SIGKILL");
      throw error;
    }
  }

  /**
   * Takes over a QEMU that an earlier program of ours started.
   *
   * @returns `undefined` when it runs no more. One that runs, but whose monitor does not answer, is returned too.
   */
  static async adopt(host: Host, identity: ProcessIdentity, monitorPath: string): Promise<VmProcess | undefined> {
    if (!isRunning(host, identity)) return undefined;
    const qmp = await connectOnce(host, monitorPath, 5000);
    if (qmp === undefined && !isRunning(host, identity)) return undefined;
    return new VmProcess(host, identity, monitorPath, qmp, undefined);
  }

  /** Whether its monitor can be talked to now. */
  get isReachable(): boolean {
    return this.#qmp !== undefined;
  }

  /** The folder of its sockets. */
  get directory(): string {
    return dirname(this.#monitorPath);
  }

  /** Runs a monitor command; see `QmpClient.execute`. @throws {HostdevError} also `HD_QMP_CLOSED` when it is cut off. */
  execute<C extends QmpCommand>(command: C, args?: QmpArguments<C>, timeoutMs?: number): Promise<QmpReturn<C>>;
  execute(command: string, args?: object, timeoutMs?: number): Promise<unknown>;
  execute(command: string, args: object = {}, timeoutMs?: number): Promise<unknown> {
    if (this.#qmp !== undefined) return this.#qmp.execute(command, args, timeoutMs);
    return Promise.reject(this.#cutOff(command));
  }

  #cutOff(command: string): HostdevError<"HD_QMP_CLOSED"> {
    const message = `QEMU (process ${this.identity.pid}) does not answer on its monitor`;
    return new HostdevError("HD_QMP_CLOSED", message, { command });
  }

  /** Passes a command on; see `QmpClient.relay`. @throws {HostdevError} also `HD_QMP_CLOSED` when it is cut off. */
  relay(command: Readonly<Record<string, unknown>>): Promise<string> {
    return this.#qmp?.relay(command) ?? Promise.reject(this.#cutOff(String(command["execute"])));
  }

  /** Gives QEMU an open file; see `QmpClient.receiveFile`. @throws {HostdevError} as that, and `execute`. */
  async receiveFile(name: string, send: (connection: Duplex) => Promise<void>): Promise<void> {
    if (this.#qmp === undefined) await this.execute("getfd"); // which cannot be
    await this.#qmp?.receiveFile(name, send);
  }

  /** Calls `listener` for every event from now on, over reconnections. */
  onEvent(listener: (event: QmpEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Sends a signal to exactly this process; one that has ended is fine. */
  kill(signal: "SIGTERM" | "SIGKILL"): void {
    if (isRunning(this.#host, this.identity)) this.#host.kill(this.identity.pid, signal);
  }

  /** Lets go of it: it runs on. */
  release(): void {
    this.#isReleased = true;
    this.#listeners.clear();
    this.#qmp?.close();
  }

  #use(qmp: QmpClient): void {
    this.#qmp = qmp;
    qmp.onEvent((event) => {
      for (const listener of this.#listeners) listener(event);
    });
  }

  /** Until QEMU has ended: sees to it that there is a connection, and notices the end of one that is no child. */
  async #watch(): Promise<void> {
    for (let pauseMs = 20; !this.#isOver && !this.#isReleased; ) {
      if (this.#qmp !== undefined) {
        await this.#qmp.closed;
        this.#qmp = undefined;
        pauseMs = 20;
      }
      if (this.#isOver || this.#isReleased) return;
      if (!isRunning(this.#host, this.identity)) return this.#settleAdopted?.({ status: null, signal: null });
      const qmp = await connectOnce(this.#host, this.#monitorPath, 5000);
      if (qmp !== undefined) this.#use(qmp);
      else {
        await this.#host.sleep(pauseMs);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      }
    }
  }
}

/** Whether a process runs, and is not just waiting for its parent to take note of its end. */
export function isRunning(host: Host, identity: ProcessIdentity): boolean {
  const state = readProc(host, identity.pid, "stat")?.split(") ").at(-1)?.[0];
  return state !== "Z" && state !== "X" && readStartTime(host, identity.pid) === identity.startTime;
}

/**
 * Raises the soft limit on locked memory of a process to what is needed, if its hard limit allows that; it is never
 * lowered, and neither is the hard one.
 *
 * @param neededBytes `all` is as far as the hard limit goes.
 * @returns whether so much can be locked now.
 */
export async function raiseSoftLimit(host: Host, pid: number, neededBytes: number | "all"): Promise<boolean> {
  const limit = readMemlock(host, pid);
  const startTime = readStartTime(host, pid);
  if (limit === undefined || startTime === undefined) return false;
  const softBytes = neededBytes === "all" ? limit.hardBytes : neededBytes;
  if (isAtLeast(limit.softBytes, softBytes)) return true;
  if (!isAtLeast(limit.hardBytes, softBytes)) return false;
  await setMemlock(host, { pid, startTime }, { softBytes, hardBytes: limit.hardBytes });
  return true;
}

async function firstConnection(
  host: Host,
  program: Awaited<ReturnType<Host["spawn"]>>,
  launch: Launch,
  timeoutMs: number,
): Promise<QmpClient> {
  let death: ProcessEnd | undefined;
  void program.ended.then((end) => (death = end));
  const deadline = host.now().getTime() + timeoutMs;
  for (let pauseMs = 4; host.now().getTime() < deadline; pauseMs = Math.min(1.05 * pauseMs, 50)) {
    if (death !== undefined) throw failed(host, launch, death);
    const stream = await host.connect(launch.monitorPath);
    if (stream !== undefined) {
      // A QEMU that finds a device unusable dies while we wait for its greeting.
      return QmpClient.open(stream, timeoutMs).catch(async (error) => {
        throw failed(
          host,
          launch,
          await Promise.race([program.ended, host.sleep(1000).then(() => Promise.reject(error))]),
        );
      });
    }
    await host.sleep(pauseMs);
  }
  const message = `QEMU did not open its monitor within ${timeoutMs} ms`;
  throw new HostdevError("HD_QMP_TIMEOUT", message, { command: "greeting", timeoutMs });
}

function failed(host: Host, launch: Launch, end: ProcessEnd): HostdevError<"HD_QEMU_FAILED"> {
  const output = readOutput(host, launch.logPath);
  const message = `QEMU ended before the VM "${launch.name}" could start: ${output || `status ${end.status}`}`;
  return new HostdevError("HD_QEMU_FAILED", message, { ...end, output });
}

/** The end of what QEMU has said, without the command line in front; empty when it said nothing. */
export function readOutput(host: Host, logPath: string): string {
  const text = host.readText(logPath) ?? "";
  return text
    .slice(text.indexOf("\n") + 1)
    .slice(-maxOutputLength)
    .trim();
}

/** One connection, if somebody listens and answers as QEMU does. */
async function connectOnce(host: Host, monitorPath: string, timeoutMs: number): Promise<QmpClient | undefined> {
  const stream = await host.connect(monitorPath);
  if (stream === undefined) return undefined;
  try {
    return await QmpClient.open(stream, timeoutMs);
  } catch {
    return undefined; // whatever is wrong with it, the caller tries again
  }
}

/** For the log, in a form that a shell would take. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
