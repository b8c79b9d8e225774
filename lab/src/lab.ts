// SPDX-License-Identifier: Apache-2.0

import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandOptions, CommandResult, RunningCommand } from "./channel/command.ts";
import type { LabUser } from "./channel/protocol.ts";
import { ensureImage } from "./image/ensure-image.ts";
import type { Image } from "./image/image.ts";
import { repositoryDirectory } from "./lab-directory.ts";
import { LabError } from "./lab-error.ts";
import { makeMachineFiles } from "./machine/backing-files.ts";
import { bootMachine, type MachinePlan } from "./machine/boot.ts";
import { BootFailure, type Machine } from "./machine/machine.ts";
import { defaultSize, type MachinePaths, type MachineSize, machinePaths } from "./machine/qemu-command.ts";
import { restoreMachine } from "./machine/saved-boot.ts";
import type { Topology } from "./machine/topology.ts";
import { smallZoo } from "./machine/zoo.ts";
import { ensurePayload } from "./payload.ts";
import { isAlive } from "./process-alive.ts";

/** What kind of lab to start. */
export interface LabOptions {
  /** Default {@link smallZoo}. */
  readonly topology?: Topology;
  readonly size?: Partial<MachineSize>;
  /** Added to the kernel's command line, such as `vfio-pci.ids=8086:10d3`. */
  readonly kernelArgs?: string;
  /** The build of hostdev to show as /opt/hostdev. Default `packages/hostdev/dist`. */
  readonly hostdevDirectory?: string;
  /** Really boot, instead of starting from the saved boot of such a machine. Default false, or true with HOSTDEV_LAB_BOOT=1. */
  readonly boot?: boolean;
  /** Is told what happens, a line at a time. Default: stderr. */
  readonly report?: (line: string) => void;
}

/** What to change for the next boot of a machine. */
export interface RebootOptions {
  /** Another arrangement of devices; default: the same. */
  readonly topology?: Topology;
  readonly kernelArgs?: string;
  /** Cut the power instead of shutting down. Default false. */
  readonly crash?: boolean;
}

/**
 * Builds the image if there is none, makes a new machine and boots it until systemd and udev are done.
 *
 * Touches: the image cache, a directory of its own in the system's temporary directory.
 * Needs: nothing for an existing image; for building one see {@link ensureImage}.
 * After a failure: the machine is off, its serial log is kept and named in the error.
 *
 * @throws {LabError} when the image can't be built or the machine doesn't boot twice in a row.
 * @example
 * const lab = await startLab({ topology: fullZoo });
 * const { stdout } = await lab.alex("id");
 * await lab.stop();
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const report = options.report ?? ((line: string) => process.stderr.write(`lab: ${line}\n`));
  const image = await ensureImage(report);
  await removeLeftovers();
  const directory = await mkdtemp(join(tmpdir(), `hostdev-lab-${process.pid}-`));
  const paths = machinePaths(directory, options.hostdevDirectory ?? join(repositoryDirectory, "packages/hostdev/dist"));
  await chmod(directory, 0o755);
  await makeMachineFiles(image, paths, await ensurePayload());
  const lab = new Lab(image, paths, { ...options, report });
  const boot = options.boot ?? process.env["HOSTDEV_LAB_BOOT"] === "1";
  await lab.powerOn({ restore: !boot });
  return lab;
}

/** One lab machine over all its boots. Scenarios get it from {@link startLab}. */
export class Lab {
  /** The kernel's and systemd's output, over all boots. Deleted by {@link stop}, kept after a failure. */
  readonly serialLog: string;
  /** The machine's directory on the host; `file("nvme1.raw")` is the lone NVMe controller's disk. */
  readonly directory: string;
  /** On the host; in the machine it's /opt/lab/exchange. Everybody may write there. */
  readonly exchangeDirectory: string;
  readonly #image: Image;
  readonly #paths: MachinePaths;
  readonly #options: LabOptions & { readonly report: (line: string) => void };
  #topology: Topology;
  #kernelArgs: string;
  #machine: Machine | undefined;
  #bootMs = 0;

  /** Use {@link startLab}. */
  constructor(image: Image, paths: MachinePaths, options: LabOptions & { readonly report: (line: string) => void }) {
    this.#image = image;
    this.#paths = paths;
    this.#options = options;
    this.#topology = options.topology ?? smallZoo;
    this.#kernelArgs = options.kernelArgs ?? "";
    this.serialLog = paths.serialLog;
    this.directory = paths.directory;
    this.exchangeDirectory = join(paths.share, "exchange");
  }

  /** How long the last boot took, from QEMU's start until systemd and udev were done; milliseconds. */
  get bootMs(): number {
    return this.#bootMs;
  }

  /** The host's file behind the NVMe controller with serial LAB1, or behind another one by its id. */
  nvmeBackingFile(id = "nvme1"): string {
    return join(this.directory, `${id}.raw`);
  }

  /** Runs a shell script as `user` and waits for its end; see {@link CommandOptions}. */
  as(user: LabUser, script: string, options?: CommandOptions): Promise<CommandResult> {
    return this.#on().channel.run(user, script, options);
  }

  root(script: string, options?: CommandOptions): Promise<CommandResult> {
    return this.as("root", script, options);
  }

  alex(script: string, options?: CommandOptions): Promise<CommandResult> {
    return this.as("alex", script, options);
  }

  /** Starts a shell script as `user` and gives it back while it runs. */
  spawn(user: LabUser, script: string, options: CommandOptions = {}): RunningCommand {
    return this.#on().channel.start({ ...options, user, script });
  }

  /** Runs a command of the lab machine's own QEMU, such as `device_add`. @throws {LabError} when QEMU refuses. */
  qmp(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.#on().qmp.execute(command, args);
  }

  /** The machine of the current boot, for what this class doesn't offer. @throws {LabError} when it's off. */
  get machine(): Machine {
    return this.#on();
  }

  /**
   * Shuts down and boots again: the same disks, a new boot id, everything in sysfs forgotten.
   *
   * @throws {LabError} when the machine doesn't shut down or come up; it's off then.
   */
  async reboot(options: RebootOptions = {}): Promise<void> {
    if (options.crash === true) await this.#on().cutPower();
    else await this.#on().powerOff();
    this.#topology = options.topology ?? this.#topology;
    this.#kernelArgs = options.kernelArgs ?? this.#kernelArgs;
    await this.powerOn();
  }

  /**
   * Boots the machine, which must be off, and waits until systemd and udev have settled.
   *
   * A boot that dies is tried once more: QEMU's multi-threaded emulation loses a race in the kernel now and then.
   *
   * @param options.restore start a new machine from the saved boot of its kind, losing what is on its disk. Default false.
   * @throws {LabError} when the second try fails, too; the disks are removed then, the serial log is kept.
   */
  async powerOn({ restore = false } = {}): Promise<void> {
    try {
      await this.#start(restore).catch((error: unknown) => {
        if (!(error instanceof BootFailure)) throw error;
        this.#options.report(`the machine did not boot, trying once more (${String(error)})`);
        return this.#start(restore);
      });
    } catch (error) {
      await this.#leaveLog();
      throw error;
    }
  }

  /** Shuts the machine down; {@link powerOn} boots it again. */
  async powerOff(): Promise<void> {
    await this.#machine?.powerOff();
    this.#machine = undefined;
  }

  /**
   * Ends the machine at once and removes its files.
   *
   * @param keepLog keep the serial log, because something went wrong. Default false.
   */
  async stop({ keepLog = false } = {}): Promise<void> {
    if (keepLog) await this.#leaveLog();
    await this.#machine?.cutPower();
    this.#machine = undefined;
    if (!keepLog) await rm(this.directory, { recursive: true, force: true });
  }

  async #start(restore: boolean): Promise<void> {
    const start = Date.now();
    const plan: MachinePlan = {
      image: this.#image,
      paths: this.#paths,
      size: { ...defaultSize, ...this.#options.size },
      topology: this.#topology,
      kernelArgs: this.#kernelArgs,
    };
    this.#machine = restore ? await restoreMachine(plan, this.#options.report) : await bootMachine(plan);
    this.#bootMs = Date.now() - start;
  }

  #on(): Machine {
    if (this.#machine?.isOn) return this.#machine;
    throw new LabError("The lab's machine is off", { hint: `Read ${this.serialLog}` });
  }

  async #leaveLog(): Promise<void> {
    await this.#machine?.cutPower();
    this.#machine = undefined;
    const kept = this.serialLog.slice(this.directory.length + 1);
    for (const name of await readdir(this.directory)) {
      if (name !== kept) await rm(join(this.directory, name), { recursive: true, force: true });
    }
    this.#options.report(`the machine's serial log is kept: ${this.serialLog}`);
  }
}

/** Removes what labs of this user left behind that were killed; their name tells their process. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^hostdev-lab-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(tmpdir(), name);
    const files = await readdir(path).catch(() => ["serial.log"]);
    // Only a log: that was left on purpose.
    if (files.join() !== "serial.log") await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}
