// SPDX-License-Identifier: Apache-2.0
import { type Duplex, duplexPair, PassThrough, type Readable, type Writable } from "node:stream";
import { HostdevError } from "../../src/core/errors.ts";
import type { RunningProgram } from "../../src/core/host.ts";
import { isAllowed } from "./fake-file-system.ts";
import type { FakeMachine } from "./fake-machine.ts";
import type { FakeProcess } from "./fake-process.ts";
import { KernelError } from "./kernel-error.ts";
import type { Caller } from "./nodes.ts";

/** A started program, as its model sees it. */
export interface FakeProgram {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly process: FakeProcess;
  readonly machine: FakeMachine;
  /** What the starter writes to it. */
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Ends the program. SIGKILL, and any signal while `process.onSignal` is not set, do so too. */
  exit(status: number | null, signal?: string): void;
}

/** The model of a program: acts on the streams it is given, until it calls `exit`. */
export type ProgramModel = (program: FakeProgram) => void;

interface StartOptions {
  readonly parent: FakeProcess;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: "pipe" | "ignore";
  /** Takes what the program says, instead of the starter. */
  readonly log: ((text: string) => void) | undefined;
}

/** The programs that `Host.spawn` finds, and the unix sockets that somebody listens on. */
export class Programs {
  readonly #machine: FakeMachine;
  readonly #models = new Map<string, ProgramModel>();
  readonly #listeners = new Map<string, (socket: Duplex) => void>();
  readonly #terminals = new Map<string, (stream: Duplex) => void>();

  constructor(machine: FakeMachine) {
    this.#machine = machine;
  }

  /** Installs a program; `name` as `spawn` is called, or the last part of that. */
  add(name: string, model: ProgramModel): void {
    this.#models.set(name, model);
  }

  /** Makes a socket at `path` and serves each who connects. It goes with `process`, if one is given. */
  listen(path: string, serve: (socket: Duplex) => void, process?: FakeProcess, mode = 0o755): void {
    const { uid = 0, gid = 0 } = process?.caller ?? {};
    this.#machine.fs.add(path, { kind: "socket", mode, uid, gid });
    this.#listeners.set(path, serve);
    process?.atEnd(() => this.#listeners.delete(path)); // the file stays, as in real life; connecting is refused
  }

  /** Nobody listens any more, and the socket is gone. */
  unlisten(path: string): void {
    this.#listeners.delete(path);
    this.#machine.fs.remove(path);
  }

  /** Makes a pty at `path`, whose other side `serve` gets each time it is opened. It goes with `process`. */
  terminal(path: string, serve: (stream: Duplex) => void, process: FakeProcess): void {
    const { uid, gid } = process.caller;
    this.#machine.fs.add(path, { kind: "character-device", mode: 0o620, uid, gid });
    this.#terminals.set(path, serve);
    process.atEnd(() => {
      this.#terminals.delete(path);
      this.#machine.fs.remove(path);
    });
  }

  /** @throws {KernelError} ENOENT, EACCES, ENOTTY. */
  openTerminal(path: string, caller: Caller): Duplex {
    const { node, path: real } = this.#machine.fs.walk(path, caller);
    if (!isAllowed(node, caller, "write")) throw new KernelError("EACCES");
    const serve = this.#terminals.get(real);
    if (serve === undefined) throw new KernelError("ENOTTY");
    const [ours, theirs] = duplexPair();
    serve(theirs);
    return ours;
  }

  /** @throws {KernelError} EACCES. @returns `undefined` when nobody listens. */
  connect(path: string, caller: Caller): Duplex | undefined {
    const { node, path: real } = this.#machine.fs.walk(path, caller);
    if (!isAllowed(node, caller, "write")) throw new KernelError("EACCES");
    const serve = this.#listeners.get(real);
    if (serve === undefined) return undefined;
    const [ours, theirs] = duplexPair();
    serve(theirs);
    return ours;
  }

  /** @throws {HostdevError} `HD_COMMAND_NOT_FOUND`. */
  start(command: string, args: readonly string[], { parent, environment, stdin, log }: StartOptions): RunningProgram {
    const comm = command.slice(command.lastIndexOf("/") + 1);
    const model = this.#models.get(command) ?? this.#models.get(comm);
    if (model === undefined) {
      throw new HostdevError("HD_COMMAND_NOT_FOUND", `Cannot run ${command}: it is not installed`, { command });
    }
    const { uid, gid, groups } = parent.caller;
    const options = { uid, gid, groups, comm, cmdline: [command, ...args], ppid: parent.pid, memlock: parent.memlock };
    const process = this.#machine.processes.start(options);
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
    if (stdin === "ignore") streams.stdin.end();
    if (log !== undefined)
      for (const name of ["stdout", "stderr"] as const) streams[name].on("data", (chunk) => log(String(chunk)));
    const ended = new Promise<{ status: number | null; signal: string | null }>((resolve) => {
      let how: { status: number | null; signal: string | null } = { status: null, signal: "SIGKILL" };
      process.atEnd(() => {
        streams.stdout.end();
        streams.stderr.end();
        resolve(how);
      });
      const exit = (status: number | null, signal: string | null = null) => {
        how = { status, signal };
        this.#machine.processes.end(process.pid);
      };
      process.onSignal = (signal) => exit(null, signal);
      model({ args, environment, process, machine: this.#machine, ...streams, exit });
    });
    const told = log === undefined ? streams : { stdout: null, stderr: null };
    return { pid: process.pid, ...told, stdin: stdin === "pipe" ? streams.stdin : null, ended };
  }
}
