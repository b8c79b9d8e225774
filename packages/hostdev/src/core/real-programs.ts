// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { Duplex } from "node:stream";
import { isatty, ReadStream } from "node:tty";
import { childProcess } from "./child-process.ts";
import { errnoOf, fileError } from "./errno.ts";
import { HostdevError } from "./errors.ts";
import type { RunningProgram, SpawnOptions } from "./host.ts";

/** The error for a program that is not there. */
export function commandNotFound(command: string, cause: unknown): HostdevError<"HD_COMMAND_NOT_FOUND"> {
  return new HostdevError("HD_COMMAND_NOT_FOUND", `Cannot run ${command}: it is not installed`, { command }, { cause });
}

/** `Host.spawn` on the real machine. */
export function startProgram(
  command: string,
  args: readonly string[],
  { stdin = "ignore", env, logFile, logHeading }: SpawnOptions = {},
): Promise<RunningProgram> {
  return new Promise((resolve, reject) => {
    const log = logFile === undefined ? undefined : openLog(logFile, logHeading);
    const output = log ?? "pipe";
    const child = childProcess().spawn(command, args, {
      stdio: [stdin, output, output],
      env: { ...process.env, ...env },
      detached: true,
    });
    if (log !== undefined) closeSync(log);
    const ended = new Promise<{ status: number | null; signal: string | null }>((settle) => {
      child.once("close", (status, signal) => settle({ status, signal }));
    });
    child.once("error", (cause) => reject(commandNotFound(command, cause)));
    child.once("spawn", () => {
      if (log !== undefined) child.unref();
      resolve({ pid: child.pid ?? 0, stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, ended });
    });
  });
}

function openLog(path: string, heading: string | undefined): number {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  try {
    const fd = openSync(path, heading === undefined ? flags : flags | constants.O_TRUNC, 0o600);
    if (heading !== undefined) writeSync(fd, heading);
    return fd;
  } catch (error) {
    throw fileError("append to", path, errnoOf(error) ?? "EIO", error);
  }
}

/** `Host.openTerminal` on the real machine. */
export async function openTerminal(path: string): Promise<Duplex> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  } catch (error) {
    throw fileError("open the terminal", path, errnoOf(error) ?? "EIO", error);
  }
  if (isatty(fd)) return new ReadStream(fd);
  closeSync(fd);
  throw fileError("open the terminal", path, "ENOTTY");
}
