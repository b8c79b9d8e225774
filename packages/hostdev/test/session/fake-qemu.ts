// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import type { FakeMachine } from "../fake-host/fake-machine.ts";
import type { FakeProcess } from "../fake-host/fake-process.ts";
import type { FakeProgram } from "../fake-host/programs.ts";

/** How the QEMU of a test behaves where one may behave in several ways. */
export interface QemuBehaviour {
  /** Ends at once, with these words. */
  readonly refuses?: string;
  /** What the guest does when it is asked to let a device go; `takes` by default. */
  readonly unplug?: "takes" | "refuses" | "ignores";
  /** Whether the guest powers off when the button is pressed; by default it does. */
  readonly obeys?: boolean;
  /** Commands that QEMU refuses, with its words. */
  readonly errors?: Readonly<Record<string, string>>;
}

interface Command {
  readonly execute: string;
  readonly id: number;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/** A QEMU as far as a session sees it: its monitor, its signals, its ptys. */
export class FakeQemu {
  readonly args: readonly string[];
  readonly process: FakeProcess;
  /** Every command that it was given, in order. */
  readonly commands: Command[] = [];
  readonly #program: FakeProgram;
  readonly #behaviour: QemuBehaviour;
  readonly #monitors = new Set<Duplex>();
  readonly #nodes = new Set<string>();
  /** What users wrote to its serial port, and who is connected to it. */
  typed = "";
  readonly #terminals = new Set<Duplex>();
  readonly #pty: string;
  #status = "prelaunch";

  constructor(program: FakeProgram, behaviour: QemuBehaviour) {
    this.args = program.args;
    this.process = program.process;
    this.#program = program;
    this.#behaviour = behaviour;
    program.process.onSignal = () => {
      this.tell("SHUTDOWN", { guest: false, reason: "host-signal" });
      this.#end();
    };
    program.process.atEnd(() => {
      for (const monitor of this.#monitors) monitor.end();
    });
    this.#pty = `/dev/pts/${program.process.pid}`;
    if (program.args.includes("pty,id=charserial0")) {
      program.machine.programs.terminal(this.#pty, (line) => this.#connect(line), program.process);
    }
    const path = /,path=([^,]+),server=on/.exec(
      program.args.find((arg) => arg.includes("charmonitor,path")) ?? "",
    )?.[1];
    if (path !== undefined) program.machine.listen(path, (monitor) => this.#serve(monitor), program.process);
  }

  /** Tells all who listen. */
  tell(event: string, data: object = {}): void {
    for (const monitor of this.#monitors) monitor.write(`${JSON.stringify({ event, data })}\n`);
  }

  /** The guest powers off; QEMU, with -no-shutdown, waits. */
  powerOff(): void {
    this.#status = "shutdown";
    this.tell("SHUTDOWN", { guest: true, reason: "guest-shutdown" });
    this.tell("STOP");
  }

  /** The guest writes to its serial port. */
  say(text: string): void {
    for (const line of this.#terminals) line.write(text);
  }

  #connect(line: Duplex): void {
    this.#terminals.add(line);
    line.on("error", () => {});
    line.on("close", () => this.#terminals.delete(line));
    line.on("data", (chunk) => {
      this.typed += String(chunk);
    });
  }

  #serve(monitor: Duplex): void {
    this.#monitors.add(monitor);
    monitor.on("error", () => {});
    monitor.on("close", () => this.#monitors.delete(monitor));
    monitor.setEncoding("utf8");
    let rest = "";
    monitor.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#answer(monitor, JSON.parse(line) as Command);
    });
    monitor.write(`${JSON.stringify({ QMP: { version: {}, capabilities: [] } })}\n`);
  }

  #answer(monitor: Duplex, command: Command): void {
    this.commands.push(command);
    const desc = this.#behaviour.errors?.[command.execute];
    const answer =
      desc === undefined ? { return: this.#do(command) ?? {} } : { error: { class: "GenericError", desc } };
    monitor.write(`${JSON.stringify({ ...answer, id: command.id })}\n`);
  }

  #do({ execute, arguments: given = {} }: Command): unknown {
    switch (execute) {
      case "cont":
        this.#status = "running";
        this.tell("RESUME");
        return;
      case "stop":
        this.#status = "paused";
        this.tell("STOP");
        return;
      case "query-status":
        return { status: this.#status, running: this.#status === "running" };
      case "query-chardev":
        return [{ label: "charserial0", filename: `pty:${this.#pty}`, "frontend-open": true }];
      case "query-blockstats":
        return [];
      case "query-cpus-fast":
        return [{ "cpu-index": 0, "thread-id": this.process.pid }];
      case "query-balloon":
        return { actual: 48 * 1024 * 1024 };
      case "query-named-block-nodes":
        return [...this.#nodes].map((name) => ({ "node-name": name, file: "", image: { "virtual-size": 1 } }));
      case "blockdev-add":
        this.#nodes.add(String(given["node-name"]));
        return;
      case "blockdev-del":
        this.#nodes.delete(String(given["node-name"]));
        return;
      case "system_reset":
        this.tell("RESET", { guest: false });
        return;
      case "system_powerdown":
        if (this.#behaviour.obeys !== false) setImmediate(() => this.powerOff());
        return;
      case "device_del":
        setImmediate(() => this.#unplug(String(given["id"])));
        return;
      default:
        return;
    }
  }

  #unplug(device: string): void {
    const { unplug = "takes" } = this.#behaviour;
    if (unplug === "takes") this.tell("DEVICE_DELETED", { device, path: `/machine/peripheral/${device}` });
    if (unplug === "refuses") this.tell("DEVICE_UNPLUG_GUEST_ERROR", { device });
  }

  /** What it told last is read before it is gone, as of a socket. */
  #end(): void {
    setImmediate(() => this.#program.exit(0));
  }
}

/**
 * Installs a QEMU on a machine.
 *
 * @returns all that were started, in their order.
 */
export function installQemu(machine: FakeMachine, behaviour: QemuBehaviour = {}): FakeQemu[] {
  const started: FakeQemu[] = [];
  const path = "/usr/bin/qemu-system-x86_64";
  machine.fs.add(path, { kind: "file", mode: 0o755, uid: 0, gid: 0, content: "" });
  machine.command(path, () => ({ stdout: "QEMU emulator version 7.2.22 (Debian 1:7.2)\n" }));
  machine.program(path, (program) => {
    if (behaviour.refuses === undefined) started.push(new FakeQemu(program, behaviour));
    else {
      program.stderr.write(behaviour.refuses);
      setImmediate(() => program.exit(1));
    }
  });
  return started;
}
