// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { runtimeDirectory } from "./runtime-directory.ts";

/**
 * Takes the caller's session for this program alone, until it ends or the result is called. The lock of a program that has
 * just ended, or been killed, is free only a moment later.
 *
 * Touches: makes the runtime folder and the lock in it. Needs: nothing.
 * @throws {HostdevError} `HD_LOCKED` when another program keeps the session; `HD_FILE`.
 */
export async function lockSession(host: Host): Promise<() => void> {
  const path = `${runtimeDirectory(host)}/session.lock`;
  for (let tries = 0; ; tries++) {
    try {
      return await host.lock(path);
    } catch (error) {
      if (tries === 40 || !isHostdevError(error, "HD_LOCKED")) throw error;
      await host.sleep(50);
    }
  }
}
