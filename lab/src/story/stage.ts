// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommandResult, RunningCommand } from "../channel/command.ts";
import type { LabUser } from "../channel/protocol.ts";
import type { Lab } from "../lab.ts";

/** Who hears the story: the demo's audience, or nobody. */
export interface Narrator {
  /** What comes, and why, in plain words. */
  tell(text: string): void;
  /** A command line as it was typed. */
  command(user: LabUser, line: string): void;
  /** A line that the command printed. */
  output(line: string): void;
}

/** Where the story plays: a lab, commands that the narrator tells of, and things that chapters leave to later ones. */
export class Stage {
  readonly lab: Lab;
  readonly #narrator: Narrator;

  constructor(lab: Lab, narrator: Narrator) {
    this.lab = lab;
    this.#narrator = narrator;
  }

  tell(text: string): void {
    this.#narrator.tell(text);
  }

  /**
   * Runs a command, and makes sure that it ends as the story says.
   *
   * @param status the exit status that it must have. Default 0.
   */
  async run(user: LabUser, line: string, status = 0, timeoutMs = 120_000): Promise<CommandResult> {
    this.#narrator.command(user, line);
    // alex logs in for each command: what a grant gives, a login must get.
    const options = { login: user !== "root", timeoutMs, onLine: (text: string) => this.#narrator.output(text) };
    const result = await this.lab.as(user, line, options);
    assert.equal(result.code, status, `${user}: ${line}\n${result.stdout}${result.stderr}`);
    return result;
  }

  /** Starts a command that goes on while the story does. */
  start(user: LabUser, line: string): RunningCommand {
    this.#narrator.command(user, `${line} &`);
    return this.lab.spawn(user, line, { login: user !== "root", onLine: (text) => this.#narrator.output(text) });
  }

  /** Puts a file where everybody in the lab can read it. @returns its path in the lab. */
  async put(name: string, text: string): Promise<string> {
    await writeFile(join(this.lab.exchangeDirectory, name), text);
    return `/opt/lab/exchange/${name}`;
  }

  /** Waits until something that runs beside the story has got so far. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 90_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await isSo())) {
      assert.ok(Date.now() < deadline, `waited ${timeoutMs / 1000} s for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** A part of the story. It asserts what it shows: a chapter that ends is one that did what it should. */
export interface Chapter {
  readonly title: string;
  play(stage: Stage): Promise<void>;
}
