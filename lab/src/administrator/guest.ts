// SPDX-License-Identifier: Apache-2.0

/*
 * Runs in the lab, as root: calls functions of hostdev's library, of the build that is shown there, on orders that come as
 * JSON lines. A process that stays saves the seconds that Node takes to start under emulation.
 */

import { createInterface } from "node:readline";

/** What is to be called: a function of the library whose first argument is the host. */
export interface Order {
  readonly call: string;
  readonly arguments: readonly unknown[];
}

/** How it ended. */
export interface Answer {
  readonly value?: unknown;
  /** The error as `--json` prints it. */
  readonly error?: { readonly code: string; readonly message: string; readonly causes?: readonly string[] };
  readonly ms: number;
}

type Library = Readonly<Record<string, (...args: unknown[]) => unknown>>;

const path = "/opt/hostdev/index.js";
const library = (await import(path)) as Library;
const host = library["realHost"]?.();

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(JSON.parse(line) as Order))}\n`);
}

async function obey(order: Order): Promise<Answer> {
  const start = performance.now();
  const ms = () => Math.round(performance.now() - start);
  try {
    const value = await library[order.call]?.(host, ...order.arguments);
    return { value, ms: ms() };
  } catch (error) {
    const { code = "?", message, causes } = JSON.parse(JSON.stringify(error)) as NonNullable<Answer["error"]>;
    return { error: { code, message: message ?? String(error), causes: causes ?? [] }, ms: ms() };
  }
}
