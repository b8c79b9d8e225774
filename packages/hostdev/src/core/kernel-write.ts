// SPDX-License-Identifier: Apache-2.0
import { childProcess } from "./child-process.ts";
import { kernelWriteError } from "./errno.ts";
import { HostdevError } from "./errors.ts";

/** What the C library's `strerror` says in the C locale, as `dd` prints it. */
const errnoByText: Readonly<Record<string, string>> = {
  "Permission denied": "EACCES",
  "Operation not permitted": "EPERM",
  "Device or resource busy": "EBUSY",
  "File exists": "EEXIST",
  "Invalid argument": "EINVAL",
  "Input/output error": "EIO",
  "No such device": "ENODEV",
  "No such device or address": "ENXIO",
  "No such file or directory": "ENOENT",
  "Is a directory": "EISDIR",
  "Not a directory": "ENOTDIR",
  "Cannot allocate memory": "ENOMEM",
  "No space left on device": "ENOSPC",
  "Read-only file system": "EROFS",
  "Inappropriate ioctl for device": "ENOTTY",
  "Numerical result out of range": "ERANGE",
};

/**
 * Writes to a control file of the kernel through a child process (`dd`, of coreutils), which is all that hangs when
 * the kernel does not return.
 *
 * Touches: the control file. Needs: what the file's mode says.
 *
 * @throws {HostdevError} `HD_KERNEL_WRITE`, `HD_KERNEL_WRITE_HANGS`. After the latter the write may still take effect.
 */
export function writeKernelInChild(path: string, value: string, timeoutMs: number): Promise<void> {
  return writeInChild(path, { input: value, value, seek: [] }, timeoutMs);
}

/** As `writeKernelInChild`, for bytes at an offset of a binary file. */
export function writeKernelBytesInChild(
  path: string,
  offset: number,
  bytes: Uint8Array,
  timeoutMs: number,
): Promise<void> {
  const seek = ["oflag=seek_bytes", `seek=${offset}`];
  return writeInChild(path, { input: bytes, value: describeBytes(offset, bytes), seek }, timeoutMs);
}

/** `4: 03 00`, the value that errors name. */
export function describeBytes(offset: number, bytes: Uint8Array): string {
  const hex = (byte: number) => byte.toString(16).padStart(2, "0");
  return `${offset.toString(16)}: ${[...bytes].map(hex).join(" ")}`;
}

const writer = "/bin/dd";

/** The control file that a process of this command line writes to, if it is a child of ours that does. Pure. */
export function writtenPath(command: readonly string[]): string | undefined {
  const [program, target] = command;
  return program === writer && target?.startsWith("of=/sys/") ? target.slice("of=".length) : undefined;
}

function writeInChild(
  path: string,
  { input, value, seek }: { input: string | Uint8Array; value: string; seek: readonly string[] },
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // nocreat: a typing mistake must not make a file; one block: the kernel wants the value in one write(2).
    const args = [`of=${path}`, "bs=4096", "iflag=fullblock", ...seek, "conv=nocreat,notrunc", "status=none"];
    const child = childProcess().spawn(writer, args, {
      stdio: ["pipe", "ignore", "pipe"],
      env: { LC_ALL: "C" },
      detached: true,
    });
    let stderr = "";
    const watchdog = setTimeout(() => {
      child.kill("SIGKILL");
      child.removeAllListeners();
      child.stderr.destroy();
      child.unref();
      const message = `The kernel does not return from writing ${JSON.stringify(value)} to ${path} (process ${child.pid})`;
      reject(new HostdevError("HD_KERNEL_WRITE_HANGS", message, { path, value, pid: child.pid ?? 0 }));
    }, timeoutMs);
    child.on("error", (cause) => {
      clearTimeout(watchdog);
      reject(new HostdevError("HD_COMMAND_NOT_FOUND", `Cannot run ${writer}`, { command: writer }, { cause }));
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("close", (status) => {
      clearTimeout(watchdog);
      if (status === 0) return resolve();
      const text = stderr.trim().split("\n")[0]?.split(": ").at(-1) ?? "";
      reject(kernelWriteError(path, value, errnoByText[text] ?? (text || `dd ended with status ${status}`)));
    });
    child.stdin.on("error", () => {}); // EPIPE when dd could not open the file: its status says so
    child.stdin.end(input);
  });
}
