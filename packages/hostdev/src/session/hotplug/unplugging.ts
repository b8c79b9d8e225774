// SPDX-License-Identifier: Apache-2.0

/** What became of a request to take a device out of a running guest. */
export type Unplugged = "removed" | "rejected" | "requested";

/** A request that the guest has not answered yet. */
export interface Unplugging {
  readonly outcome: Promise<Unplugged>;
  /** The first word counts. */
  readonly settle: (outcome: Unplugged) => void;
}

/** Begins to wait; when the time is over, the outcome is that it is still only requested. */
export function startUnplugging(timeoutMs: number, onSettled: () => void): Unplugging {
  let settle: (outcome: Unplugged) => void = () => {};
  const outcome = new Promise<Unplugged>((resolve) => {
    settle = resolve;
  });
  const timer = setTimeout(() => settle("requested"), timeoutMs);
  void outcome.then(() => {
    clearTimeout(timer);
    onSettled();
  });
  return { outcome, settle };
}
