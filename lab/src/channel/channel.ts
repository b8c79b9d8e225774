// SPDX-License-Identifier: Apache-2.0

import { createConnection, type Socket } from "node:net";
import { LabError } from "../lab-error.ts";
import { lineSplitter } from "../run-program.ts";
import { type CommandOptions, type CommandResult, checkResult, type RawOptions, RunningCommand } from "./command.ts";
import type { LabUser, Reply, Request } from "./protocol.ts";

const defaultTimeoutMs = 60_000;
/** The agent enforces the timeout; an agent that doesn't answer long after that is taken for dead. */
const hostTimeoutFactor = 4;
const hostTimeoutSlackMs = 15_000;

/** The host's end of the command channel of one boot. */
export class Channel {
  readonly #socket: Socket;
  readonly #running = new Map<number, RunningCommand>();
  /** Settles with the machine's uptime when the agent speaks for the first time; rejects when the connection ends before. */
  readonly hello: Promise<number>;
  #nextId = 1;
  #greet!: (uptimeMs: number) => void;
  #refuse!: (error: Error) => void;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.hello = new Promise((resolve, reject) => {
      this.#greet = resolve;
      this.#refuse = reject;
    });
    this.hello.catch(() => {});
    socket.setEncoding("latin1");
    socket.on(
      "data",
      lineSplitter((line) => this.#take(line)),
    );
    socket.on("error", () => socket.destroy());
    // QEMU is about to end; how it does is known in a moment, and better than "the machine went off".
    socket.on("close", () => setTimeout(() => this.end("the agent's port was closed"), 1000));
    // An agent that started before we connected has said hello to nobody.
    this.#send({ type: "hello" });
  }

  /** Connects to the agent's port of a started QEMU. @throws when nobody listens there. */
  static connect(path: string): Promise<Channel> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path, () => resolve(new Channel(socket))).on("error", reject);
    });
  }

  /**
   * Runs a shell script as `user` and waits for its end.
   *
   * @throws {LabError} when the machine goes off or stops answering; with `check`, when the code isn't 0.
   */
  async run(user: LabUser, script: string, options: CommandOptions = {}): Promise<CommandResult> {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const command = this.start({ ...options, user, script, timeoutMs });
    const hostTimeoutMs = timeoutMs * hostTimeoutFactor + hostTimeoutSlackMs;
    const timer = setTimeout(
      () => command.abandon(`the machine did not answer for ${hostTimeoutMs} ms`),
      hostTimeoutMs,
    );
    try {
      const result = await command.result;
      if (options.check === true) checkResult(user, script, result);
      return result;
    } finally {
      clearTimeout(timer);
      this.#running.delete(command.id);
    }
  }

  /** Starts a command and gives it back at once. Without a script it's an interactive shell. */
  start(options: RawOptions): RunningCommand {
    const id = this.#nextId++;
    const command = new RunningCommand(id, (request) => this.#send(request), options);
    if (this.#socket.destroyed) {
      command.abandon("the machine is off");
      return command;
    }
    this.#running.set(id, command);
    const { user, script, login = false, timeoutMs = 0, cwd, env, pty, input } = options;
    this.#send({
      ...{ type: "run", id, user, login, timeoutMs },
      ...(script === undefined ? {} : { script }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      ...(pty === undefined ? {} : { pty }),
    });
    if (input !== undefined) command.write(input);
    if (input !== undefined || options.keepInput !== true) command.endInput();
    return command;
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(request: Request): void {
    this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  #take(line: string): void {
    let reply: Reply;
    try {
      reply = JSON.parse(line) as Reply;
    } catch (error) {
      throw new LabError(`The lab's agent sent something else than JSON: ${line.slice(0, 200)}`, { cause: error });
    }
    if (reply.type === "hello") this.#greet(reply.uptimeMs);
    this.#running.get(reply.id)?.take(reply);
    if (reply.type === "exit") this.#running.delete(reply.id);
  }

  /** Gives up on all commands: the machine has gone off, because of `reason`. */
  end(reason: string): void {
    this.#socket.destroy();
    this.#refuse(new LabError(`The machine went off before its agent answered: ${reason}`));
    for (const command of this.#running.values()) command.abandon(`the machine went off: ${reason}`);
    this.#running.clear();
  }
}
