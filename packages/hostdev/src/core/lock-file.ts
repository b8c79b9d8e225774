// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { childProcess } from "./child-process.ts";
import { HostdevError } from "./errors.ts";
import { readText } from "./real-files.ts";
import { systemEnvironment } from "./system-environment.ts";

/**
 * `Host.lock` on the real machine: flock(2), which Node does not have, through util-linux's `flock`.
 *
 * The child holds the lock for as long as our end of its standard input is open, so the kernel releases it however
 * we end. The file keeps the last owner's pid, for the message that the next one sees.
 */
export function lockFile(path: string): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const script = 'echo "$2" > "$1" && echo locked && exec cat';
    const args = [
      "--nonblock",
      "--conflict-exit-code",
      "75",
      path,
      "sh",
      "-c",
      script,
      "sh",
      path,
      String(process.pid),
    ];
    const child = childProcess().spawn("flock", args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: systemEnvironment,
      detached: true,
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("error", (cause) => {
      reject(new HostdevError("HD_COMMAND_NOT_FOUND", "Cannot run flock", { command: "flock" }, { cause }));
    });
    child.stdout.once("data", () => {
      child.unref();
      resolve(() => {
        child.ref();
        const gone = once(child, "close");
        child.stdin.end();
        return gone.then(() => {});
      });
    });
    child.on("close", (status) => {
      const pid = Number.parseInt(readText(path) ?? "", 10) || null;
      reject(
        status === 75
          ? new HostdevError("HD_LOCKED", `Cannot lock ${path}: process ${pid ?? "?"} works on it`, { path, pid })
          : new HostdevError("HD_COMMAND_FAILED", `Cannot lock ${path}: ${stderr.trim()}`, {
              command: "flock",
              status,
              stderr,
            }),
      );
    });
  });
}
