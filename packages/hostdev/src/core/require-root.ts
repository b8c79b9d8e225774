// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "./errors.ts";
import type { Host } from "./host.ts";

/**
 * Makes sure that root runs the command.
 *
 * @throws {HostdevError} `HD_NEEDS_ROOT`, whose hint has the command for an administrator.
 */
export function requireRoot(host: Host, command: string): void {
  if (host.self.uid === 0) return;
  throw new HostdevError("HD_NEEDS_ROOT", "Only root may change what devices do", { command });
}
