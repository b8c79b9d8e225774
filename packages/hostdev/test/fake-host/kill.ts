// SPDX-License-Identifier: Apache-2.0
import { Crash, type CrashMoment } from "./crash.ts";
import type { FakeHost } from "./fake-host.ts";

/** Runs an act with a kill at its n-th mutating operation. @returns whether it was killed. */
export async function killed(
  host: FakeHost,
  n: number,
  moment: CrashMoment,
  act: () => Promise<unknown>,
): Promise<boolean> {
  host.crashAt(n, moment);
  try {
    await act();
    return false;
  } catch (error) {
    if (isCrash(error)) return true;
    throw error;
  }
}

/** A dead program's code may still wrap what killed it; nothing it does has an effect. */
function isCrash(error: unknown): boolean {
  if (error instanceof Crash) return true;
  if (error instanceof AggregateError) return error.errors.some(isCrash);
  return error instanceof Error && isCrash(error.cause);
}
