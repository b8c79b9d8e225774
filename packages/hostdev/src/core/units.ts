// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "./errors.ts";

/** Bytes in each of the binary units. */
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

const seconds: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, min: 60, h: 3600, d: 86400 };

/**
 * Reads a time such as `90s`, `10m`, `2h`, `1d` or `30` (a bare number means seconds).
 *
 * @returns milliseconds, above 0 and at most 24 days, the longest that a timer can wait.
 * @throws {HostdevError} `HD_INVALID_ARGUMENT` for anything else, naming `argument`.
 */
export function parseDuration(text: string, argument: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const milliseconds = Number(match?.[1]) * (seconds[(match?.[2] ?? "?").toLowerCase()] ?? Number.NaN) * 1000;
  if (milliseconds > 0 && milliseconds < 2 ** 31) return Math.round(milliseconds);
  throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${JSON.stringify(text)} as ${argument}`, {
    argument,
    value: text,
    expected: "a time above zero, such as 90s, 10m or 2h",
  });
}

/** Writes a time for people, in the largest unit that says it exactly: `90 s`, `10 min`, `2 h`. */
export function formatDuration(milliseconds: number): string {
  for (const [unit, factor] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
  ] as const) {
    if (milliseconds >= factor && milliseconds % factor === 0) return `${milliseconds / factor} ${unit}`;
  }
  return `${milliseconds / 1000} s`;
}

/**
 * Writes a size for people: in the largest unit in which two decimals say it exactly and shortly (`8 MiB`, `1.25 GiB`),
 * or else rounded (`20.9 GiB`).
 */
export function formatSize(bytes: number): string {
  const values = units.map(([unit, factor]) => ({ unit, value: bytes / factor })).filter(({ value }) => value >= 1);
  const exact = values.find(({ value }) => value < 10_000 && Math.abs(value * 100 - Math.round(value * 100)) < 1e-9);
  if (exact !== undefined) return `${exact.value} ${exact.unit}`;
  const [largest] = values;
  return largest === undefined ? `${bytes} bytes` : `${largest.value.toPrecision(3)} ${largest.unit}`;
}

const units = [
  ["TiB", TiB],
  ["GiB", GiB],
  ["MiB", MiB],
  ["KiB", KiB],
  ["bytes", 1],
] as const;
