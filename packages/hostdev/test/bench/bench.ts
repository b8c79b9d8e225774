// SPDX-License-Identifier: Apache-2.0

/** One measured comparison. */
export interface BenchRow {
  readonly what: string;
  readonly ours: number;
  /** The same done by something else, in the same run. */
  readonly peer: number;
  /** What the peer is: `node -e 0`, `lspci -k`. */
  readonly peerName: string;
  /** Of both numbers: `ms`, `MiB`. */
  readonly unit: string;
}

/** What could not be measured here, and why: a peer that is not installed. */
export interface BenchGap {
  readonly what: string;
  readonly reason: string;
}

/**
 * What a file `NAME.bench.ts` of this folder, or of `lab/bench`, exports: `name`, `title` and `run`.
 * `npm run bench` finds it by its file name and prints its rows as `what | ours | peer | ratio`.
 */
export interface Bench {
  /** As in `npm run bench -- NAME`. */
  readonly name: string;
  /** What is compared and how, in a sentence. */
  readonly title: string;
  readonly run: () => Promise<readonly (BenchRow | BenchGap)[]>;
}

/** Two ways to do one thing. */
export interface Contest {
  readonly what: string;
  readonly peerName: string;
  readonly ours: () => unknown;
  readonly peer: () => unknown;
  /** How often each is done; default 11. */
  readonly rounds?: number;
}

/**
 * Times both ways, in turns, so that what slows the machine down slows both; gives the medians in milliseconds.
 * Each is done once beforehand, untimed, to fill caches.
 */
export async function compare({ what, peerName, ours, peer, rounds = 11 }: Contest): Promise<BenchRow> {
  const times: Record<"ours" | "peer", number[]> = { ours: [], peer: [] };
  await ours();
  await peer();
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await time(ours));
    times.peer.push(await time(peer));
  }
  return { what, peerName, ours: median(times.ours), peer: median(times.peer), unit: "ms" };
}

/** Milliseconds that something takes once. */
export async function time(act: () => unknown): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** The middle value, or the mean of the two in the middle; `NaN` of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
