// SPDX-License-Identifier: Apache-2.0

import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { childProcess } from "./child-process.ts";
import { errnoOf, fileError } from "./errno.ts";
import { HostdevError } from "./errors.ts";
import type { CommandResult, Host, RunningProgram, RunOptions } from "./host.ts";
import { writeKernelBytesInChild, writeKernelInChild } from "./kernel-write.ts";
import { lockFile } from "./lock-file.ts";
import * as files from "./real-files.ts";
import { listen } from "./real-listen.ts";
import { systemEnvironment } from "./system-environment.ts";

/** The machine this program runs on. */
export function realHost(): Host {
  return {
    self: {
      uid: process.geteuid?.() ?? 0,
      gid: process.getegid?.() ?? 0,
      groups: [...new Set([process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])])],
      pid: process.pid,
    },
    ...files,
    writeKernel: (path, value, timeoutMs = 30_000) => writeKernelInChild(path, value, timeoutMs),
    writeKernelBytes: (path, offset, bytes) => writeKernelBytesInChild(path, offset, bytes, 30_000),
    lock: lockFile,
    run,
    spawn: start,
    kill,
    connect: connectTo,
    listen,
    environment: (name) => process.env[name],
    now: () => new Date(),
    sleep: async (milliseconds) => {
      await delay(milliseconds);
    },
  };
}

function notFound(command: string, cause: unknown): HostdevError<"HD_COMMAND_NOT_FOUND"> {
  return new HostdevError("HD_COMMAND_NOT_FOUND", `Cannot run ${command}: it is not installed`, { command }, { cause });
}

function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
  const { timeoutMs = 30_000, input } = options;
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(command, args, { env: systemEnvironment, stdio: ["pipe", "pipe", "pipe"] });
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
      reject(notFound(command, cause));
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, ...output });
    });
    child.stdin.on("error", () => {}); // a program that ends without reading its input is no failure
    child.stdin.end(input);
  });
}

function start(
  command: string,
  args: readonly string[],
  options: Parameters<Host["spawn"]>[2] = {},
): Promise<RunningProgram> {
  return new Promise((resolve, reject) => {
    const child = childProcess().spawn(command, args, {
      stdio: [options.stdin ?? "ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      detached: true,
    });
    const ended = new Promise<{ status: number | null; signal: string | null }>((settle) => {
      child.once("close", (status, signal) => settle({ status, signal }));
    });
    child.once("error", (cause) => reject(notFound(command, cause)));
    child.once("spawn", () => {
      const { stdin, stdout, stderr } = child;
      resolve({ pid: child.pid ?? 0, stdin, stdout, stderr, ended });
    });
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
