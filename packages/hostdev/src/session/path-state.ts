// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/**
 * Whether something is at a path: `ENOENT` when not, `EACCES` when the caller may not even look, since a folder on the
 * way is somebody else's, and `undefined` when it is; whether he may use it, `canAccess` tells.
 */
export function pathState(host: Host, path: string): "ENOENT" | "EACCES" | undefined {
  try {
    return host.realPath(path) === undefined ? "ENOENT" : undefined;
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return "EACCES";
    throw error;
  }
}
