// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { findReachableMates, reachableMateError } from "../grants/reachable-mates.ts";
import { readBootId, readRecords } from "../grants/store.ts";
import type { Output } from "./context.ts";

/** Warns of endpoints that users can reach though they were not lent. Touches: reads records and sysfs. */
export function warnOfReachableMates(host: Host, { warn }: Output): void {
  const bootId = readBootId(host);
  for (const { grant, bootId: of, isComplete } of readRecords(host)) {
    if (!isComplete || of !== bootId) continue;
    for (const mate of findReachableMates(host, grant)) {
      const { message, hint } = reachableMateError(grant, mate);
      warn(`hostdev-admin: ${message}\n  hint: ${hint}\n`);
    }
  }
}
