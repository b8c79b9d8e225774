// SPDX-License-Identifier: Apache-2.0
import type { Value } from "../xml/values.ts";

/** CPUs or NUMA nodes as sorted numbers, written `0-3,^2,5`. libvirt: virBitmapParse. */
export const nodeSet: Value<number[]> = {
  expected: "a list of numbers such as 0-3,^2,5",
  malformed: true,
  parse: (text) => {
    const members = new Set<number>();
    const parts = text.replaceAll(/\s/g, "").split(",");
    if (parts.length > 512) return undefined; // More than any machine needs, and each may be long.
    for (const part of parts) {
      const match = /^(\^?)(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
      if (match === null) return undefined;
      const first = Number(match[2]);
      const last = Number(match[3] ?? match[2]);
      if (last < first || last > 16383 || (match[1] === "^" && match[3] !== undefined)) return undefined;
      for (let number = first; number <= last; number++) {
        if (match[1] === "^") members.delete(number);
        else members.add(number);
      }
    }
    return members.size === 0 ? undefined : [...members].sort((a, b) => a - b);
  },
  format: (numbers) =>
    ranges(numbers)
      .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
      .join(","),
};

/** The runs in a sorted list of numbers, each as first and last. */
export function ranges(numbers: readonly number[]): [first: number, last: number][] {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}
