// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host, RunningProgram } from "../core/host.ts";
import { readStartTime } from "../core/processes.ts";
import { isAtLeast, readMemlock, setMemlock } from "../memlock/limit.ts";
import { QmpClient } from "../qmp/client.ts";

/** A QEMU to be started: everything decided, nothing done. */
export interface Launch {
  readonly name: string;
  readonly emulator: string;
  readonly args: readonly string[];
  /** What has to be lockable; 0 without assigned devices. */
  readonly memlockBytes: number;
  /** Where QEMU makes its monitor's socket. */
  readonly monitorPath: string;
}

/** How a VM ended. */
export type Ending =
  | { readonly kind: "guest-shutdown" }
  /** It reset, and its domain says that this ends it. */
  | { readonly kind: "guest-reset" }
  | { readonly kind: "guest-panicked" }
  /** We, or another client of its monitor, ended it. */
  | { readonly kind: "stopped" }
  /** QEMU died. */
  | {
      readonly kind: "failed";
      readonly status: number | null;
      readonly signal: string | null;
      readonly output: string;
    };

/** How much of QEMU's standard error is kept for messages. */
const maxOutputLength = 16_384;

/** A started QEMU with its monitor. */
export class RunningVm {
  readonly pid: number;
  readonly qmp: QmpClient;
  /** Resolves when QEMU has ended; never rejects. */
  readonly ended: Promise<Ending>;

  private constructor(program: RunningProgram, qmp: QmpClient, output: () => string) {
    this.pid = program.pid;
    this.qmp = qmp;
    let reason: string | undefined;
    let isPanicked = false;
    qmp.onEvent(({ event, data }) => {
      // The command line says -no-shutdown, as libvirt's: QEMU waits to be ended, and then tells a reason again.
      if (event === "SHUTDOWN" && reason === undefined) {
        reason = String(data["reason"]);
        void this.quit();
      }
      if (event === "GUEST_PANICKED") isPanicked = true;
    });
    this.ended = program.ended.then(({ status, signal }) => {
      if (isPanicked || reason === "guest-panic") return { kind: "guest-panicked" };
      if (reason === "guest-shutdown" || reason === "guest-reset") return { kind: reason };
      if (reason?.startsWith("host-")) return { kind: "stopped" };
      return { kind: "failed", status, signal, output: output() };
    });
  }

  /**
   * Starts QEMU, which is to wait (`-S`), and connects to its monitor. The limit on locked memory is raised for it
   * as far as needed: only the soft limit, and never lowered, so that more can be plugged in later.
   *
   * Touches: starts a process; QEMU makes `monitorPath`. Needs: nothing beyond what `preflight` checks.
   * After a failure: no process is left.
   *
   * @throws {HostdevError} `HD_QEMU_NOT_FOUND`; `HD_QEMU_FAILED` with QEMU's own words; `HD_QMP_TIMEOUT`.
   */
  static async start(host: Host, launch: Launch, timeoutMs = 60_000): Promise<RunningVm> {
    await raiseSoftLimit(host, launch.memlockBytes);
    const program = await host.spawn(launch.emulator, launch.args);
    let output = "";
    for (const stream of [program.stdout, program.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-maxOutputLength);
      });
    }
    try {
      const qmp = await connectMonitor(host, program, launch, timeoutMs, () => output);
      return new RunningVm(program, qmp, () => output.trim());
    } catch (error) {
      host.kill(program.pid, "SIGKILL");
      throw error;
    }
  }

  /** Lets the guest run. */
  async resume(): Promise<void> {
    await this.qmp.execute("cont");
  }

  /** Asks the guest to power off (ACPI button). Whether it does is its own affair. */
  async requestShutdown(): Promise<void> {
    await this.qmp.execute("system_powerdown");
  }

  /** Ends QEMU at once; the guest's unwritten data is lost. */
  async quit(): Promise<void> {
    await this.qmp.execute("quit").catch(() => {}); // it may be gone before it can answer
    await this.ended;
  }
}

async function raiseSoftLimit(host: Host, neededBytes: number): Promise<void> {
  const { pid } = host.self;
  const limit = readMemlock(host, pid);
  const startTime = readStartTime(host, pid);
  if (limit === undefined || startTime === undefined) return;
  if (isAtLeast(limit.softBytes, neededBytes) || !isAtLeast(limit.hardBytes, neededBytes)) return;
  await setMemlock(host, { pid, startTime }, { softBytes: neededBytes, hardBytes: limit.hardBytes });
}

async function connectMonitor(
  host: Host,
  program: RunningProgram,
  launch: Launch,
  timeoutMs: number,
  output: () => string,
): Promise<QmpClient> {
  let death: { readonly status: number | null; readonly signal: string | null } | undefined;
  void program.ended.then((end) => {
    death = end;
  });
  const failed = (end: { readonly status: number | null; readonly signal: string | null }) => {
    const said = output().trim();
    const message = `QEMU ended before the VM "${launch.name}" could start: ${said || `status ${end.status}`}`;
    return new HostdevError("HD_QEMU_FAILED", message, { ...end, output: said });
  };
  const deadline = host.now().getTime() + timeoutMs;
  while (host.now().getTime() < deadline) {
    if (death !== undefined) throw failed(death);
    const stream = await host.connect(launch.monitorPath);
    if (stream !== undefined) {
      // A QEMU that finds a device unusable dies while we wait for its greeting.
      const opening = QmpClient.open(stream, timeoutMs);
      return opening.catch(async (error) => {
        throw failed(await Promise.race([program.ended, host.sleep(1000).then(() => Promise.reject(error))]));
      });
    }
    await host.sleep(20);
  }
  const message = `QEMU did not open its monitor within ${timeoutMs} ms`;
  throw new HostdevError("HD_QMP_TIMEOUT", message, { command: "greeting", timeoutMs });
}
