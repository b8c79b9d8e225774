// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "./errors.ts";

/** The errno name of an error thrown by Node or by a `Host`; `undefined` when it has none. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if ("code" in error && error.code === "HD_FILE" && "details" in error)
    return (error as HostdevError<"HD_FILE">).details.errno;
  if ("code" in error && error.code === "HD_KERNEL_WRITE" && "details" in error) {
    return (error as HostdevError<"HD_KERNEL_WRITE">).details.errno;
  }
  return "code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

/** Whether a failed read means that there is nothing, rather than that something is wrong. */
export function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOENT" || errno === "ENOTDIR" || errno === "ENODEV" || errno === "ENXIO" || errno === "ESRCH";
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EADDRINUSE: "in use already",
  EPERM: "not permitted",
  EBUSY: "busy",
  EEXIST: "exists already",
  EINVAL: "the kernel does not take the value",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "is a symbolic link",
  ENODEV: "no such device",
  ENOENT: "does not exist",
  ENOSPC: "no space left",
  ENOTDIR: "a part of the path is not a directory",
  ENAMETOOLONG: "the path is too long",
  ENOTTY: "is no terminal",
  EROFS: "read-only file system",
};

/** Words for an errno, for messages: `permission denied (EACCES)`. */
export function describeErrno(errno: string): string {
  const meaning = meanings[errno];
  return meaning === undefined ? errno : `${meaning} (${errno})`;
}

/** The `HD_FILE` error for a failed operation on a path. */
export function fileError(operation: string, path: string, errno: string, cause?: unknown): HostdevError<"HD_FILE"> {
  const message = `Cannot ${operation} ${path}: ${describeErrno(errno)}`;
  return new HostdevError("HD_FILE", message, { path, operation, errno }, cause === undefined ? {} : { cause });
}

/** The `HD_KERNEL_WRITE` error for a refused write to a control file. */
export function kernelWriteError(path: string, value: string, errno: string): HostdevError<"HD_KERNEL_WRITE"> {
  const message = `Cannot write ${JSON.stringify(value)} to ${path}: ${describeErrno(errno)}`;
  return new HostdevError("HD_KERNEL_WRITE", message, { path, value, errno });
}
