// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";

/** Whether systemd runs this machine. Needs: nothing. @see sd_booted(3) */
export function isSystemdRunning(host: Host): boolean {
  return host.status("/run/systemd/system")?.kind === "directory";
}
