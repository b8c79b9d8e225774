// SPDX-License-Identifier: Apache-2.0

import { constants } from "node:os";
import { LabError } from "../lab-error.ts";
import { lineSplitter } from "../run-program.ts";
import type { ExitReply, LabUser, Reply, Request, TerminalSize } from "./protocol.ts";

/** How to run a command in the machine. */
export interface CommandOptions {
  /** Through PAM as at a real login: limits.d, a logind session, the user's profile. Costs about a second. Default false. */
  readonly login?: boolean;
  /** After this time the command is ended and `timedOut` is set. Milliseconds, default 60000 for `as`, never for `spawn`. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Added to the command's environment. With `login`, the login shell forgets it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Becomes the command's whole input. */
  readonly input?: string;
  /** Leave the input open for {@link RunningCommand.write}. Default false: the input is empty. */
  readonly keepInput?: boolean;
  /** Called for every line of stdout and stderr as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** Throw when the command doesn't end with code 0. Default false. */
  readonly check?: boolean;
}

/** How a command ended. */
export interface CommandResult {
  /** The exit status; 128 + the number of the signal that ended it; 124 when it timed out. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How long it ran, measured in the machine. */
  readonly ms: number;
  readonly timedOut: boolean;
}

/** A command that runs in the machine now. */
export class RunningCommand {
  /** Settles when the command has ended, or rejects with a {@link LabError} when the machine went off under it. */
  readonly result: Promise<CommandResult>;
  /** The process id in the machine, of the outermost program: bash, setpriv or su. */
  readonly pid: Promise<number>;
  readonly id: number;
  readonly #send: (request: Request) => void;
  readonly #options: RawOptions;
  readonly #output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  readonly #lines: Readonly<Record<"stdout" | "stderr", (text: string) => void>>;
  #finish!: (result: CommandResult) => void;
  #fail!: (error: Error) => void;
  #setPid!: (pid: number) => void;

  /** Made by the channel only. */
  constructor(id: number, send: (request: Request) => void, options: RawOptions) {
    this.id = id;
    this.#send = send;
    this.#options = options;
    const { onLine } = options;
    this.#lines = {
      stdout: lineSplitter(onLine && ((line) => onLine(line, "stdout"))),
      stderr: lineSplitter(onLine && ((line) => onLine(line, "stderr"))),
    };
    this.result = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    this.pid = new Promise((resolve) => {
      this.#setPid = resolve;
    });
    // Whoever is interested waits for it; a machine that is switched off must not crash the others.
    this.result.catch(() => {});
  }

  /** What it has written so far. */
  get stdout(): string {
    return Buffer.concat(this.#output.stdout).toString("utf8");
  }

  get stderr(): string {
    return Buffer.concat(this.#output.stderr).toString("utf8");
  }

  /** Sends a signal to the command and everything it has started. */
  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    this.#send({ type: "kill", id: this.id, signal });
  }

  write(data: string | Uint8Array): void {
    this.#send({ type: "stdin", id: this.id, data: Buffer.from(data).toString("base64") });
  }

  endInput(): void {
    this.#send({ type: "eof", id: this.id });
  }

  /** Only for a command with a terminal. */
  resize(size: TerminalSize): void {
    this.#send({ type: "resize", id: this.id, ...size });
  }

  /** Called by the channel for every reply about this command. */
  take(reply: Reply): void {
    if (reply.type === "started") this.#setPid(reply.pid);
    if (reply.type === "stdout" || reply.type === "stderr")
      this.#takeOutput(reply.type, Buffer.from(reply.data, "base64"));
    if (reply.type === "exit") this.#finish(this.#toResult(reply));
  }

  /** Called by the channel when no reply can come any more. */
  abandon(reason: string): void {
    this.#fail(
      new LabError(`Lost the command of ${this.#options.user}: ${reason}\n  ${this.#options.script ?? "(shell)"}`),
    );
  }

  #takeOutput(stream: "stdout" | "stderr", bytes: Buffer): void {
    if (this.#options.onBytes !== undefined) {
      this.#options.onBytes(bytes);
      return;
    }
    this.#output[stream].push(bytes);
    this.#lines[stream](bytes.toString("utf8"));
  }

  #toResult(reply: ExitReply): CommandResult {
    const bySignal = reply.signal === null ? 0 : 128 + (constants.signals[reply.signal] ?? 0);
    const code = reply.timedOut ? 124 : (reply.code ?? bySignal);
    const stderr = reply.error === undefined ? this.stderr : `${this.stderr}${reply.error}\n`;
    return { code, stdout: this.stdout, stderr, ms: reply.ms, timedOut: reply.timedOut };
  }
}

/** What the channel itself needs to know about a command. */
export interface RawOptions extends CommandOptions {
  readonly user: LabUser;
  readonly script?: string;
  readonly pty?: TerminalSize & { readonly term: string };
  /** Takes all output as bytes, instead of it being collected. */
  readonly onBytes?: (bytes: Buffer) => void;
}

/** @throws {LabError} telling command, code and output, unless the command ended with code 0. */
export function checkResult(user: LabUser, script: string, result: CommandResult): void {
  if (result.code === 0) return;
  const how = result.timedOut ? "did not end in time" : `ended with code ${result.code}`;
  throw new LabError(`A command of ${user} ${how}: ${script}\n${result.stdout}${result.stderr}`.trimEnd());
}
