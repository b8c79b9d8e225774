// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "./errors.ts";

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const TiB = 1024 * GiB;

const factors: Readonly<Record<string, number>> = {
  "": MiB,
  b: 1,
  kib: KiB,
  k: KiB,
  mib: MiB,
  m: MiB,
  gib: GiB,
  g: GiB,
  tib: TiB,
  t: TiB,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
};

/**
 * Reads a size such as `256MiB`, `4G`, `4 GiB` or `512` (a bare number means MiB).
 *
 * @returns whole bytes, above 0.
 * @throws {HostdevError} `HD_INVALID_ARGUMENT` for anything else, naming `argument`.
 */
export function parseSize(text: string, argument: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const factor = match === null ? undefined : factors[(match[2] ?? "").toLowerCase()];
  const bytes = factor === undefined ? Number.NaN : Math.round(Number(match?.[1]) * factor);
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${JSON.stringify(text)} as ${argument}`, {
      argument,
      value: text,
      expected: "a size above zero, such as 256MiB or 4GiB",
    });
  }
  return bytes;
}

/** Writes a size with the largest binary unit that keeps it readable: `8 MiB`, `1.25 GiB`, `65600 KiB`. */
export function formatSize(bytes: number): string {
  for (const [unit, factor] of [
    ["TiB", TiB],
    ["GiB", GiB],
    ["MiB", MiB],
    ["KiB", KiB],
  ] as const) {
    const value = bytes / factor;
    if (value >= 1 && Number.isInteger(value * 100)) return `${value} ${unit}`;
  }
  return bytes >= MiB ? `${(bytes / MiB).toFixed(2)} MiB` : `${bytes} bytes`;
}
