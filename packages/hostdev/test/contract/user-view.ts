// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deserialize } from "node:v8";
import { HostdevError } from "../../src/core/errors.ts";
import type { CommandResult, FileStatus, Host } from "../../src/core/host.ts";
import type { UserView } from "./kernel-subject.ts";

/** What a call of the user's `Host` gave. */
export type Answer =
  | { readonly value: unknown }
  | { readonly failure: Pick<HostdevError, "code" | "message" | "details"> };

/**
 * Another user's `Host` of this machine: a process of that user that makes the calls for us, and ends with us.
 *
 * Needs: root. @param program the bundle of `user-process.ts`.
 */
export function userView(user: string, program: string): UserView {
  const ask = startAsking(user, program);
  return {
    self: ask("self") as Host["self"],
    readText: (path) => ask("readText", path) as string | undefined,
    readBytes: (path, maxBytes) => ask("readBytes", path, maxBytes) as Uint8Array | undefined,
    readLink: (path) => ask("readLink", path) as string | undefined,
    list: (path) => ask("list", path) as readonly string[] | undefined,
    status: (path) => ask("status", path) as FileStatus | undefined,
    canAccess: (path, wanted) => ask("canAccess", path, wanted) as boolean,
    tryOpen: (path) => ask("tryOpen", path) as string | undefined,
    writeKernel: async (path, value) => void ask("writeKernel", path, value),
    run: async (command, args) => ask("run", command, args) as CommandResult,
  };
}

/** Starts the process. Calls of a `Host` return at once, so this waits for it on a FIFO, not on a stream. */
function startAsking(user: string, program: string): (name: keyof UserView, ...args: readonly unknown[]) => unknown {
  const directory = mkdtempSync(join(tmpdir(), "contract-"));
  const [questions, answers] = [join(directory, "questions"), join(directory, "answers")];
  spawnSync("mkfifo", ["-m", "666", questions, answers]);
  spawnSync("chmod", ["711", directory]);
  const become = [`--reuid=${user}`, `--regid=${user}`, "--init-groups", process.execPath, program];
  spawn("setpriv", [...become, questions, answers], { stdio: ["ignore", "ignore", "inherit"] }).unref();
  const output = openSync(questions, "w");
  const input = openSync(answers, "r");
  rmSync(directory, { recursive: true });
  return (name, ...args) => {
    writeSync(output, `${JSON.stringify({ name, args })}\n`);
    const answer = deserialize(Buffer.from(readLine(input), "base64")) as Answer;
    if ("value" in answer) return answer.value;
    const { code, message, details } = answer.failure;
    throw new HostdevError(code, message, details);
  };
}

function readLine(fd: number): string {
  const chunk = Buffer.alloc(65_536);
  let text = "";
  while (!text.endsWith("\n")) {
    const length = readSync(fd, chunk);
    if (length === 0) throw new Error("the user's process has ended");
    text += chunk.toString("latin1", 0, length);
  }
  return text;
}
