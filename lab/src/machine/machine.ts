// SPDX-License-Identifier: Apache-2.0

import { type ChildProcess, spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Channel } from "../channel/channel.ts";
import type { Image } from "../image/image.ts";
import { LabError } from "../lab-error.ts";
import { type MachinePaths, qemuProgram } from "./qemu-command.ts";
import { Qmp } from "./qmp.ts";

/** A boot takes half a minute; ten times that on a host that is busy with other things. */
const helloTimeoutMs = 400_000;
const powerOffTimeoutMs = 120_000;

/** The kernel or systemd did not come up; another try may succeed. */
export class BootFailure extends LabError {}

/** One run of a machine, from power on to power off: the QEMU process and the connections to it. */
export class Machine {
  readonly channel: Channel;
  readonly qmp: Qmp;
  readonly #process: ChildProcess;
  /** Settles when QEMU has ended, with how it ended and what it said on stderr. */
  readonly off: Promise<string>;

  private constructor(process: ChildProcess, off: Promise<string>, qmp: Qmp, channel: Channel) {
    this.#process = process;
    this.off = off;
    this.qmp = qmp;
    this.channel = channel;
  }

  get isOn(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** QEMU's process id on the host. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /**
   * Starts QEMU and waits until the agent answers, which at a boot is before systemd has started everything.
   *
   * Touches: starts a QEMU process, which ends with this process at the latest.
   *
   * @param args QEMU's arguments after the program.
   * @throws {LabError} when QEMU refuses; {@link BootFailure} when the kernel panics or no agent answers. QEMU is gone then.
   */
  static async start(image: Image, paths: MachinePaths, args: readonly string[]): Promise<Machine> {
    await rm(paths.qmpSocket, { force: true });
    await rm(paths.agentSocket, { force: true });
    const { argv, env } = qemuProgram(image);
    const [program = "", ...rest] = [...argv, ...args];
    const child = spawn(program, rest, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints = (complaints + text).slice(-4000);
    });
    const off = new Promise<string>((resolve) => {
      child.on("error", (error) => {
        complaints += error.message;
        resolve(error.message);
      });
      child.on("close", (code, signal) =>
        resolve(`QEMU ended with ${signal ?? `code ${code}`} ${complaints.trim()}`.trim()),
      );
    });
    try {
      const qmp = await connectSoon(() => Qmp.connect(paths.qmpSocket), off);
      const channel = await connectSoon(() => Channel.connect(paths.agentSocket), off);
      void off.then((how) => channel.end(how));
      await within(channel.hello, helloTimeoutMs, "The machine's agent did not answer");
      return new Machine(child, off, qmp, channel);
    } catch (error) {
      child.kill("SIGKILL");
      await off;
      if (complaints !== "")
        throw new LabError(`The lab's QEMU refuses to run: ${complaints.trim()}`, { cause: error });
      const lines = await lastSerialLines(paths.serialLog);
      throw new BootFailure(`The lab's machine did not boot: ${lines}`, {
        cause: error,
        hint: `Read ${paths.serialLog}`,
      });
    }
  }

  /** Shuts the system down properly and waits for the machine to be off. @throws {LabError} after two minutes; QEMU is killed then. */
  async powerOff(): Promise<void> {
    if (!this.isOn) return;
    this.channel.start({ user: "root", script: "systemctl poweroff" });
    try {
      await within(this.off, powerOffTimeoutMs, "The machine did not shut down");
    } finally {
      await this.cutPower();
    }
  }

  /** Ends the machine in the middle of whatever it does, as a power failure. */
  async cutPower(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.off;
    this.qmp.close();
    this.channel.close();
  }
}

async function connectSoon<T>(connect: () => Promise<T>, off: Promise<string>): Promise<T> {
  let isOff = false;
  void off.then(() => {
    isOff = true;
  });
  for (const end = Date.now() + 20_000; ; await sleep(30)) {
    try {
      return await connect();
    } catch (error) {
      if (isOff) throw new LabError("QEMU ended at once");
      if (Date.now() > end) throw new LabError("The lab's QEMU does not open its sockets", { cause: error });
    }
  }
}

async function within<T>(promise: Promise<T>, timeoutMs: number, message: string): Promise<T> {
  const aborter = new AbortController();
  const timeout = sleep(timeoutMs, undefined, { signal: aborter.signal }).then(() => {
    throw new LabError(`${message} within ${timeoutMs / 1000} s`);
  });
  timeout.catch(() => {});
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    aborter.abort();
  }
}

/** The end of the serial log, in which the kernel says why it stopped. */
async function lastSerialLines(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.trim() === "" ? "nothing on the serial line" : text.trim().split("\n").slice(-12).join("\n");
}
