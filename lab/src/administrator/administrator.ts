// SPDX-License-Identifier: Apache-2.0

import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunningCommand } from "../channel/command.ts";
import type { Lab } from "../lab.ts";
import { labDirectory } from "../lab-directory.ts";
import { LabError } from "../lab-error.ts";
import type { Answer } from "./guest.ts";

/** What is to be lent, as the library takes it. */
export interface LendingRequest {
  readonly device: string;
  readonly user: string;
  readonly memoryBytes: number;
  readonly hold: readonly string[];
  readonly force: readonly string[];
  readonly acceptNoReset?: boolean;
}

/** How an interrupted operation was brought to its end, as the library tells it. */
export interface Recovery {
  readonly interrupted: "grant" | "revoke";
  readonly outcome: string;
}

/** An administrator in the lab who calls hostdev's library from one process that stays: tenths of a second each. */
export class Administrator {
  readonly #command: RunningCommand;
  readonly #waiting: ((answer: Answer) => void)[];

  private constructor(command: RunningCommand, waiting: ((answer: Answer) => void)[]) {
    this.#command = command;
    this.#waiting = waiting;
  }

  /** Starts one; it ends with the machine, or by {@link leave}. */
  static async start(lab: Lab): Promise<Administrator> {
    const built = join(labDirectory, "build/src/administrator/guest.js");
    await copyFile(built, join(lab.exchangeDirectory, "administrator.mjs"));
    const waiting: ((answer: Answer) => void)[] = [];
    const command = lab.spawn("root", "exec node /opt/lab/exchange/administrator.mjs", {
      keepInput: true,
      onLine: (line, stream) => {
        if (stream === "stdout") waiting.shift()?.(JSON.parse(line) as Answer);
        else process.stderr.write(`administrator: ${line}\n`);
      },
    });
    return new Administrator(command, waiting);
  }

  /** Calls a function of the library, after those called before. @throws {LabError} when the process has ended. */
  ask(call: string, ...args: readonly unknown[]): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => void this.#waiting.push(resolve));
    this.#command.write(`${JSON.stringify({ call, arguments: args })}\n`);
    const ended = this.#command.result.then(({ code, stderr }): never => {
      throw new LabError(`The administrator's process ended with code ${code}: ${stderr}`);
    });
    return Promise.race([answer, ended]);
  }

  /** As {@link ask}. @throws {LabError} with the library's error. */
  async do(call: string, ...args: readonly unknown[]): Promise<unknown> {
    const { value, error } = await this.ask(call, ...args);
    if (error === undefined) return value;
    const causes = (error.causes ?? []).map((cause) => `\n  cause: ${cause}`).join("");
    throw new LabError(
      `${call}(${args.map((arg) => JSON.stringify(arg)).join(", ")}): ${error.code}: ${error.message}${causes}`,
    );
  }

  grant(request: LendingRequest): Promise<unknown> {
    return this.do("grantDevice", request);
  }

  revoke(device: string): Promise<unknown> {
    return this.do("revokeDevice", device);
  }

  async recover(): Promise<readonly Recovery[]> {
    return (await this.do("recover")) as readonly Recovery[];
  }

  /** Ends the process. */
  async leave(): Promise<void> {
    this.#command.endInput();
    await this.#command.result;
  }
}
