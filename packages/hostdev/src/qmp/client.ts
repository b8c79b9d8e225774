// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import { HostdevError, toHostdevError } from "../core/errors.ts";
import type { QmpArguments, QmpCommand, QmpReturn } from "./commands.ts";
import { QmpDecoder, type QmpMessage, textOf } from "./framing.ts";

/** Something that QEMU tells unasked. */
export interface QmpEvent {
  readonly event: string;
  readonly data: QmpMessage;
}

interface Pending {
  readonly command: string;
  /** Wants the answer as it is, whatever it says. */
  readonly isRaw?: boolean;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: HostdevError) => void;
}

/** A connection to a QEMU's monitor. One reader, any number of commands under way. */
export class QmpClient {
  readonly #stream: Duplex;
  readonly #decoder = new QmpDecoder();
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #lastId = 0;
  #closedBy: HostdevError | undefined;
  #greeted: (() => void) | undefined;
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;

  private constructor(stream: Duplex) {
    this.#stream = stream;
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => this.#receive(chunk));
    stream.on("error", () => {}); // "close" follows
    stream.once("end", () => stream.destroy());
    this.closed = new Promise((resolve) => {
      stream.once("close", () => {
        this.#failAll();
        resolve();
      });
    });
  }

  /**
   * Takes over a stream on which a QEMU's monitor listens: awaits the greeting, negotiates.
   *
   * @throws {HostdevError} `HD_QMP_TIMEOUT`, `HD_QMP_CLOSED`, `HD_QMP_PROTOCOL`; the stream is closed then.
   */
  static async open(stream: Duplex, timeoutMs = 10_000): Promise<QmpClient> {
    const client = new QmpClient(stream);
    try {
      await client.#greeting(timeoutMs);
      await client.execute("qmp_capabilities", {}, timeoutMs);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /**
   * Runs a monitor command, one of those that we know the types of or any other.
   *
   * @param timeoutMs default 10,000. After it the reply, should it still come, is thrown away.
   * @returns what QEMU returns, `{}` for most commands.
   * @throws {HostdevError} `HD_QMP_COMMAND` with QEMU's words; `HD_QMP_TIMEOUT`; `HD_QMP_CLOSED`.
   */
  execute<C extends QmpCommand>(command: C, args?: QmpArguments<C>, timeoutMs?: number): Promise<QmpReturn<C>>;
  execute(command: string, args?: object, timeoutMs?: number): Promise<unknown>;
  execute(command: string, args: object = {}, timeoutMs = 10_000): Promise<unknown> {
    return this.#send(command, { execute: command, arguments: args }, timeoutMs, false);
  }

  #send(command: string, message: object, timeoutMs: number, isRaw: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closedBy !== undefined || this.#stream.destroyed) return reject(this.#closedBy ?? closedError(command));
      this.#lastId += 1;
      const id = this.#lastId;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(timeoutError(command, timeoutMs));
      }, timeoutMs);
      this.#pending.set(id, { command, isRaw, timer, resolve, reject });
      this.#stream.write(`${JSON.stringify({ ...message, id })}\n`);
    });
  }

  /**
   * Gives QEMU an open file, which a command can name then (`fd`), by a program that sends it over this connection
   * (SCM_RIGHTS). What such a program sends beside it, a byte for the kernel to carry it with, QEMU calls no JSON;
   * that complaint has no id, and nobody waits for it. QEMU keeps the file until `getfd` asks for the last one.
   *
   * @throws {HostdevError} what `send` throws; as `execute`.
   */
  async receiveFile(name: string, send: (connection: Duplex) => Promise<void>): Promise<void> {
    await send(this.#stream);
    await this.execute("getfd", { fdname: name });
  }

  /**
   * Runs a command for somebody who knows QMP himself.
   *
   * @param command an object with `execute`, and perhaps `arguments`.
   * @returns the answer, or QEMU's error, in QEMU's own words; its id is ours.
   * @throws {HostdevError} `HD_QMP_TIMEOUT`; `HD_QMP_CLOSED`.
   */
  relay(command: Readonly<Record<string, unknown>>, timeoutMs = 60_000): Promise<string> {
    return this.#send(String(command["execute"]), command, timeoutMs, true) as Promise<string>;
  }

  /** Calls `listener` for every event from now on. @returns the end of it. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the connection; the VM goes on. */
  close(): void {
    this.#stream.destroy();
  }

  #greeting(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(timeoutError("greeting", timeoutMs)), timeoutMs);
      this.#greeted = () => {
        clearTimeout(timer);
        resolve();
      };
      void this.closed.then(() => {
        clearTimeout(timer);
        reject(this.#closedBy ?? closedError("greeting"));
      });
    });
  }

  #receive(chunk: string): void {
    try {
      for (const message of this.#decoder.decode(chunk)) this.#dispatch(message);
    } catch (error) {
      this.#closedBy = toHostdevError(error);
      this.close();
    }
  }

  #dispatch(message: QmpMessage): void {
    if (message["QMP"] !== undefined) return this.#greeted?.();
    const { event, data } = message;
    if (typeof event === "string") {
      for (const listener of this.#listeners) listener({ event, data: (data ?? {}) as QmpMessage });
      return;
    }
    const id = Number(message["id"]);
    const pending = this.#pending.get(id);
    if (pending === undefined) return; // answered after its time was over
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (pending.isRaw === true) return pending.resolve(textOf(message));
    const failure = message["error"] as { readonly class?: string; readonly desc?: string } | undefined;
    if (failure === undefined) return pending.resolve(message["return"]);
    const description = failure.desc ?? "no reason given";
    const details = { command: pending.command, class: failure.class ?? "GenericError", description };
    pending.reject(new HostdevError("HD_QMP_COMMAND", `QEMU refuses ${pending.command}: ${description}`, details));
  }

  #failAll(): void {
    for (const { command, timer, reject } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#closedBy ?? closedError(command));
    }
    this.#pending.clear();
  }
}

function closedError(command: string): HostdevError<"HD_QMP_CLOSED"> {
  return new HostdevError("HD_QMP_CLOSED", `QEMU closed its monitor during ${command}`, { command });
}

function timeoutError(command: string, timeoutMs: number): HostdevError<"HD_QMP_TIMEOUT"> {
  const message = `QEMU did not answer ${command} within ${timeoutMs} ms`;
  return new HostdevError("HD_QMP_TIMEOUT", message, { command, timeoutMs });
}
