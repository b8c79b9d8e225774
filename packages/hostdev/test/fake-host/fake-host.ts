// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { fileError, kernelWriteError } from "../../src/core/errno.ts";
import { HostdevError } from "../../src/core/errors.ts";
import type {
  CommandResult,
  FileStatus,
  Host,
  Listener,
  Ownership,
  RunningProgram,
  RunOptions,
  SocketAddress,
} from "../../src/core/host.ts";
import { describeBytes } from "../../src/core/kernel-write.ts";
import type { CrashMoment } from "./crash.ts";
import { isAllowed, targetOf } from "./fake-file-system.ts";
import type { FakeMachine } from "./fake-machine.ts";
import type { FakeProcess } from "./fake-process.ts";
import type { Mutation, Reading } from "./faults.ts";
import { FileChanges } from "./file-changes.ts";
import { KernelError, KernelHang } from "./kernel-error.ts";
import type { Caller } from "./nodes.ts";
import { Operations } from "./operations.ts";

const absent = new Set(["ENOENT", "ENOTDIR", "ENODEV", "ENXIO", "ESRCH"]);

/**
 * One program's view of a `FakeMachine`: the `Host` it is given, with its credentials and its pid. Several views of
 * a machine are several programs running on it.
 */
export class FakeHost implements Host {
  readonly machine: FakeMachine;
  /** The process that the program is. */
  readonly process: FakeProcess;
  readonly #caller: Caller;
  readonly #files: FileChanges;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #operations: Operations;

  constructor(machine: FakeMachine, process: FakeProcess, environment: Readonly<Record<string, string>>) {
    this.machine = machine;
    this.process = process;
    this.#caller = process.caller;
    this.#files = new FileChanges(machine.fs, process.caller);
    this.#environment = environment;
    this.#operations = new Operations(machine, process);
  }

  get self(): Host["self"] {
    const name = this.machine.users.find(this.#caller.uid)?.name ?? String(this.#caller.uid);
    return { ...this.#caller, name, program: ["/usr/bin/node", "/usr/lib/hostdev/hostdev-admin.js"] };
  }

  /** The same machine through another program, run by another user. */
  as(user: string | number): FakeHost {
    return this.machine.open(user, { environment: this.#environment });
  }

  /** How many mutating operations this program has begun. */
  get mutations(): number {
    return this.#operations.count;
  }

  /** Kills the program at the n-th mutating operation from now, counted from 1; see `CrashMoment`. */
  crashAt(n: number, moment: CrashMoment = "before"): this {
    this.#operations.crashAt(n, moment);
    return this;
  }

  readText(path: string): string | undefined {
    const read = () => new TextDecoder().decode(this.machine.fs.read(path, this.#caller));
    return this.#read("readText", "read", path, read);
  }

  readBytes(path: string, maxBytes: number): Uint8Array | undefined {
    const read = () => this.machine.fs.read(path, this.#caller).slice(0, maxBytes);
    return this.#read("readBytes", "read", path, read);
  }

  readLink(path: string): string | undefined {
    return this.#read("readLink", "read the link", path, () => {
      const { node } = this.machine.fs.walk(path, this.#caller, false);
      return node.kind === "symlink" ? targetOf(node, this.#caller) : undefined;
    });
  }

  realPath(path: string): string | undefined {
    return this.#read("realPath", "resolve", path, () => this.machine.fs.walk(path, this.#caller).path);
  }

  list(path: string): readonly string[] | undefined {
    return this.#read("list", "list", path, () => this.machine.fs.list(path, this.#caller));
  }

  status(path: string): FileStatus | undefined {
    return this.#read("status", "look at", path, () => {
      const { node } = this.machine.fs.walk(path, this.#caller, false);
      const { mode, uid, gid } = node;
      const kind = node.kind === "attribute" ? "file" : node.kind;
      return { kind, mode, uid, gid, sizeBytes: sizeOf(node) };
    });
  }

  canAccess(path: string, wanted: "read" | "write" | "read-write"): boolean {
    this.#operations.assertAlive();
    try {
      const { node } = this.machine.fs.walk(path, this.#caller);
      const kinds = wanted === "read-write" ? (["read", "write"] as const) : [wanted];
      return kinds.every((kind) => isAllowed(node, this.#caller, kind));
    } catch (error) {
      if (error instanceof KernelError) return false;
      throw error;
    }
  }

  tryOpen(path: string): string | undefined {
    const act = () => this.machine.fs.tryOpen(path, this.#caller);
    return this.#operations.read({ operation: "tryOpen", path, value: "" }, act, (errno) => errno);
  }

  async writeKernel(path: string, value: string, timeoutMs = 30_000): Promise<void> {
    await Promise.resolve();
    try {
      this.#operations.change({ operation: "writeKernel", path, value }, () =>
        this.#writeOrWait(path, value, timeoutMs),
      );
    } catch (error) {
      if (error instanceof KernelError) throw kernelWriteError(path, value, error.errno);
      throw error;
    }
  }

  async writeKernelBytes(path: string, offset: number, bytes: Uint8Array): Promise<void> {
    await Promise.resolve();
    const value = describeBytes(offset, bytes);
    try {
      const act = () => this.machine.fs.writeAt(path, offset, bytes, this.#caller);
      this.#operations.change({ operation: "writeKernel", path, value }, act);
    } catch (error) {
      if (error instanceof KernelError) throw kernelWriteError(path, value, error.errno);
      throw error;
    }
  }

  writeFile(path: string, text: string, mode: number): void {
    const act = () => this.#files.writeFile(path, text, mode);
    this.#changeFile("writeFile", "write", path, act, {
      value: text,
      torn: () => this.#files.tearWriteFile(path, text),
    });
  }

  appendFile(path: string, text: string, mode: number): void {
    const append = (part: string) => this.#files.appendFile(path, part, mode);
    const torn = () => append(text.slice(0, Math.floor(text.length / 2)));
    this.#changeFile("appendFile", "append to", path, () => append(text), { value: text, torn });
  }

  removeFile(path: string): void {
    this.#changeFile("removeFile", "remove", path, () => this.#files.removeFile(path));
  }

  makeDirectory(path: string, mode: number): void {
    this.#changeFile("makeDirectory", "make the directory", path, () => this.#files.makeDirectory(path, mode));
  }

  removeDirectory(path: string): void {
    this.#changeFile("removeDirectory", "remove", path, () => this.#files.removeDirectory(path));
  }

  setOwnership(path: string, ownership: Ownership): void {
    const value = `${ownership.uid}:${ownership.gid} ${ownership.mode.toString(8)}`;
    const torn = () => this.#files.tearSetOwnership(path);
    const act = () => this.#files.setOwnership(path, ownership);
    this.#changeFile("setOwnership", "change the owner of", path, act, { value, torn });
  }

  async lock(path: string): Promise<() => Promise<void>> {
    await Promise.resolve();
    const pid = this.#operations.change({ operation: "lock", path, value: "" }, () =>
      this.machine.locks.take(path, this.process),
    );
    if (pid !== undefined) {
      throw new HostdevError("HD_LOCKED", `Cannot lock ${path}: process ${pid} works on it`, { path, pid });
    }
    return async () => this.machine.locks.release(path, this.process);
  }

  async run(command: string, args: readonly string[], _options: RunOptions = {}): Promise<CommandResult> {
    await Promise.resolve();
    const operation = { operation: "run", path: command, value: args.join(" ") } as const;
    const act = () => this.machine.commands.run(command, args, this.process);
    // A planted failure of a command is a status with a complaint, as of a real one.
    const onFault = (errno: string) => ({ status: 1, signal: null, stdout: "", stderr: `${command}: ${errno}\n` });
    if (this.machine.commands.isMutating(command, args)) return this.#operations.change(operation, act, { onFault });
    return this.#operations.read(operation, act, onFault);
  }

  async spawn(
    command: string,
    args: readonly string[],
    options: Parameters<Host["spawn"]>[2] = {},
  ): Promise<RunningProgram> {
    await Promise.resolve();
    const environment = { ...this.#environment, ...options.env };
    const { logFile, logHeading } = options;
    // The program has the file open itself: what it says is written also when we have ended.
    const log = logFile === undefined ? undefined : (text: string) => this.#files.appendFile(logFile, text, 0o600);
    return this.#operations.change({ operation: "spawn", path: command, value: args.join(" ") }, () => {
      if (logFile !== undefined && logHeading !== undefined) this.#files.writeFile(logFile, logHeading, 0o600);
      return this.machine.programs.start(command, args, {
        parent: this.process,
        environment,
        stdin: options.stdin ?? "ignore",
        log,
      });
    });
  }

  kill(pid: number, signal: "SIGTERM" | "SIGKILL" | "SIGINT"): boolean {
    const act = () => this.machine.processes.signal(pid, signal, this.#caller);
    return this.#changeFile("kill", "signal the process", `/proc/${pid}`, act, { value: signal });
  }

  async connect(path: string): Promise<Duplex | undefined> {
    await Promise.resolve();
    return this.#read("connect", "connect to", path, () => this.machine.programs.connect(path, this.#caller));
  }

  async listen(
    where: { readonly path: string } | { readonly fd: number },
    serve: (line: Duplex) => void,
  ): Promise<Listener> {
    await Promise.resolve();
    const path = "path" in where ? where.path : `/proc/self/fd/${where.fd}`;
    this.#changeFile("listen", "listen on", path, () => {
      if (this.machine.fs.find(path) !== undefined && "path" in where) throw new KernelError("EADDRINUSE");
      this.machine.programs.listen(path, serve, this.process, 0o600);
    });
    return { close: async () => this.machine.programs.unlisten(path) };
  }

  readonly canPassConnections = true;

  async passConnection(line: Duplex, bytes: Uint8Array, target: SocketAddress): Promise<void> {
    const path = "path" in target ? target.path : `${target.address}:${target.port}`;
    const connection = await this.connect(path);
    if (connection === undefined) throw fileError("connect to", path, "ECONNREFUSED");
    this.machine.passed.push(connection);
    line.write(Buffer.concat([bytes, Buffer.of(0)]));
  }

  async openTerminal(path: string): Promise<Duplex> {
    await Promise.resolve();
    const open = () => this.machine.programs.openTerminal(path, this.#caller);
    try {
      return this.#operations.read({ operation: "openTerminal", path, value: "" }, open);
    } catch (error) {
      if (error instanceof KernelError) throw fileError("open the terminal", path, error.errno);
      throw error;
    }
  }

  environment(name: string): string | undefined {
    return this.#environment[name];
  }

  now(): Date {
    return new Date(this.machine.clock.now);
  }

  async sleep(milliseconds: number): Promise<void> {
    this.#operations.assertAlive();
    this.machine.clock.pass(milliseconds);
    await new Promise((resolve) => setImmediate(resolve)); // lets fake programs on streams do their part
  }

  #read<T>(operation: Reading, words: string, path: string, act: () => T | undefined): T | undefined {
    try {
      return this.#operations.read({ operation, path, value: "" }, act);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (absent.has(error.errno)) return undefined;
      throw fileError(words, path, error.errno);
    }
  }

  #changeFile<T>(
    operation: Mutation,
    words: string,
    path: string,
    act: () => T,
    { value = "", torn }: { value?: string; torn?: () => void } = {},
  ): T {
    try {
      return this.#operations.change({ operation, path, value }, act, { torn });
    } catch (error) {
      if (error instanceof KernelError) throw fileError(words, path, error.errno);
      throw error;
    }
  }

  /** A write that hangs lets time pass, in which somebody may end what it waits for, or us. */
  #writeOrWait(path: string, value: string, timeoutMs: number): void {
    try {
      this.machine.fs.write(path, value, this.#caller);
    } catch (error) {
      if (!(error instanceof KernelHang)) throw error;
      const { uid, gid, pid: ppid } = this.#caller;
      const writer = this.machine.processes.start({ uid, gid, comm: "dd", cmdline: ["/bin/dd", `of=${path}`], ppid });
      writer.state = "D";
      error.onRelease(() => this.machine.processes.end(writer.pid));
      const isKilled = () => this.machine.processes.get(this.process.pid) !== this.process;
      this.machine.clock.pass(timeoutMs, () => error.isReleased || isKilled());
      this.#operations.assertAlive(); // killed meanwhile: the writer goes on alone
      if (!error.isReleased) {
        const message = `The kernel does not return from writing ${JSON.stringify(value)} to ${path} (process ${writer.pid})`;
        throw new HostdevError("HD_KERNEL_WRITE_HANGS", message, { path, value, pid: writer.pid });
      }
      if (error.failure !== undefined) throw error.failure;
    }
  }
}

function sizeOf(node: ReturnType<FakeMachine["fs"]["walk"]>["node"]): number {
  if (node.kind === "attribute") return node.sizeBytes;
  if (node.kind !== "file") return 0;
  return typeof node.content === "string" ? Buffer.byteLength(node.content) : node.content.length;
}
