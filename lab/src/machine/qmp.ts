// SPDX-License-Identifier: Apache-2.0

import { createConnection, type Socket } from "node:net";
import { LabError } from "../lab-error.ts";
import { lineSplitter } from "../run-program.ts";

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly command: string;
}

interface QmpMessage {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An asynchronous message of QEMU, such as `DEVICE_DELETED`. */
export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The lab machine's QMP connection: enough of a client to plug, unplug and stop. */
export class Qmp {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  readonly #listeners = new Set<(event: QmpEvent) => void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on(
      "data",
      lineSplitter((line) => this.#take(line)),
    );
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#end());
  }

  /** Connects to a QMP socket and leaves its negotiation mode. @throws when nobody listens there. */
  static async connect(path: string): Promise<Qmp> {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const connecting = createConnection(path, () => resolve(connecting)).on("error", reject);
    });
    const qmp = new Qmp(socket);
    await qmp.execute("qmp_capabilities");
    return qmp;
  }

  /** Runs a command. @throws {LabError} with QEMU's own words when it refuses, or when QEMU ends. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new LabError(`Cannot run QMP ${command}: the machine is off`));
        return;
      }
      this.#waiting.push({ resolve, reject, command });
      this.#socket.write(
        `${JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }) })}\n`,
      );
    });
  }

  /** Waits for an event that `matches`. @throws {LabError} after `timeoutMs`. */
  waitFor(name: string, timeoutMs: number, matches: (event: QmpEvent) => boolean = () => true): Promise<QmpEvent> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
      };
      const listener = (event: QmpEvent) => {
        if (event.event !== name || !matches(event)) return;
        done();
        resolve(event);
      };
      const timer = setTimeout(() => {
        done();
        reject(new LabError(`No QMP event ${name} came within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#listeners.add(listener);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(line: string): void {
    const message = JSON.parse(line) as QmpMessage;
    if (message.event !== undefined) {
      const event = { event: message.event, data: message.data ?? {} };
      for (const listener of [...this.#listeners]) listener(event);
    } else if ("return" in message) {
      this.#waiting.shift()?.resolve(message.return);
    } else if (message.error !== undefined) {
      const waiting = this.#waiting.shift();
      waiting?.reject(new LabError(`QEMU refuses ${waiting.command}: ${message.error.desc}`));
    }
  }

  #end(): void {
    for (const { reject, command } of this.#waiting.splice(0)) {
      reject(new LabError(`Cannot run QMP ${command}: the machine went off`));
    }
  }
}
