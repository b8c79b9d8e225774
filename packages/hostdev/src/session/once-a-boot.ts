// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { SessionPaths } from "./session-paths.ts";

/**
 * Whether this is the first time since the machine was booted (or the user logged in) that this is asked.
 *
 * Touches: writes down that it was. @param what a word for a file name. @throws {HostdevError} `HD_FILE`.
 */
export function isFirstThisBoot(host: Host, { runtime }: SessionPaths, what: string): boolean {
  const done = `${runtime}/${what}`;
  const bootId = host.readText("/proc/sys/kernel/random/boot_id") ?? "";
  if (host.readText(done) === bootId) return false;
  host.writeFile(done, bootId, 0o600);
  return true;
}
