// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

/** Asks five times a second until it is so. @throws {AssertionError} that names what was waited for, after 90 s. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 90_000; !(await isSo()); await sleep(200))
    assert.ok(Date.now() < end, `waited 90 s for ${what}`);
}
