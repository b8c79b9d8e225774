// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";

/** Whether the kernel's command line says that nothing is to be restored: `hostdev=off`. Needs: nothing. */
export function isSwitchedOff(host: Host): boolean {
  return /(^|\s)hostdev=off(\s|$)/.test(host.readText("/proc/cmdline") ?? "");
}
