// SPDX-License-Identifier: Apache-2.0

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { childProcess } from "./child-process.ts";
import { errnoOf, fileError } from "./errno.ts";
import { HostdevError } from "./errors.ts";
import type { CommandResult, Host, RunOptions } from "./host.ts";
import { writeKernelBytesInChild, writeKernelInChild } from "./kernel-write.ts";
import { lockFile } from "./lock-file.ts";
import * as files from "./real-files.ts";
import { listen } from "./real-listen.ts";
import { passConnection, passingProgram } from "./real-pass-connection.ts";
import { commandNotFound, openTerminal, startProgram } from "./real-programs.ts";
import { systemEnvironment } from "./system-environment.ts";

/** The machine this program runs on. */
export function realHost(): Host {
  return {
    self: {
      get name() {
        return loginName();
      },
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
      groups: [...new Set([process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])])],
      pid: process.pid,
      program: [process.execPath, resolve(process.argv[1] ?? "")],
    },
    ...files,
    writeKernel: (path, value, timeoutMs = 30_000) => writeKernelInChild(path, value, timeoutMs),
    writeKernelBytes: (path, offset, bytes) => writeKernelBytesInChild(path, offset, bytes, 30_000),
    lock: lockFile,
    run,
    spawn: startProgram,
    kill,
    connect: connectTo,
    listen,
    openTerminal,
    canPassConnections: files.status(passingProgram) !== undefined,
    passConnection,
    environment: (name) => process.env[name],
    now: () => new Date(),
    sleep: async (milliseconds) => {
      await delay(milliseconds);
    },
  };
}

/** Asks in this process what `getent` would answer: starting one takes longer than all checks before a VM's start. */
function loginName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? 0);
  }
}

function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const { timeoutMs = 30_000, input, connection } = options;
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(command, args, {
      env: systemEnvironment,
      stdio: connection === undefined ? ["pipe", "pipe", "pipe"] : ["pipe", "pipe", "pipe", connection],
    }) as ChildProcessWithoutNullStreams;
    connection?.resume(); // Node takes it that we read no more of what a child has
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(
        new HostdevError("HD_TIMEOUT", `${command} did not end within ${timeoutMs} ms`, { what: command, timeoutMs }),
      );
    }, timeoutMs);
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    }
    child.on("error", (cause) => {
      clearTimeout(timer);
      reject(commandNotFound(command, cause));
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, ...output });
    });
    child.stdin.on("error", () => {}); // a program that ends without reading its input is no failure
    child.stdin.end(input);
  });
}

function kill(pid: number, signal: "SIGTERM" | "SIGKILL" | "SIGINT"): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return false;
    throw fileError("signal the process", `/proc/${pid}`, errnoOf(error) ?? "EPERM", error);
  }
}

function connectTo(path: string): Promise<Duplex | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => {
      const errno = errnoOf(error) ?? "EIO";
      if (errno === "ENOENT" || errno === "ECONNREFUSED") resolve(undefined);
      else reject(fileError("connect to", path, errno, error));
    });
  });
}
