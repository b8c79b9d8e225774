// SPDX-License-Identifier: Apache-2.0
import type { Quarantine } from "../grants/quarantine.ts";
import type { Output } from "./context.ts";

/** Warns of what was taken back, and cannot be trusted. */
export function warnOfQuarantine({ warn }: Output, quarantined: readonly Quarantine[]): void {
  for (const { address, reason } of quarantined) {
    warn(`hostdev-admin: ${address} is in quarantine, on pci-stub: ${reason}\n`);
    warn(`  hint: Once you trust it (after a power cycle, say): hostdev-admin release ${address} --trust\n`);
  }
}
