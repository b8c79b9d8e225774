// SPDX-License-Identifier: Apache-2.0

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Does something that must not be torn apart: Ctrl-C, SIGTERM and SIGHUP only abort `signal`, with their name as the
 * reason, and the act ends by itself at the next safe place.
 */
export async function untilSignal<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (name: NodeJS.Signals) => controller.abort(name);
  for (const name of signals) process.on(name, abort);
  try {
    return await act(controller.signal);
  } finally {
    for (const name of signals) process.off(name, abort);
  }
}
