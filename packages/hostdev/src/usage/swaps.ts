// SPDX-License-Identifier: Apache-2.0
import { unescapeOctal } from "./mounts.ts";
import type { Reader } from "./reader.ts";

/** A swap area: a block device, or a file in a mounted file system. */
export interface Swap {
  readonly path: string;
  readonly isFile: boolean;
}

/**
 * Reads what is swapped to.
 *
 * Touches: reads `/proc/swaps`. Needs: nothing. @see proc_swaps(5)
 */
export function readSwaps(reader: Reader): readonly Swap[] {
  return reader
    .text("/proc/swaps")
    .split("\n")
    .flatMap((line) => {
      const [, path, type] = /^(\/\S+)\s+(file|partition)\s/.exec(line) ?? [];
      return path === undefined ? [] : [{ path: unescapeOctal(path), isFile: type === "file" }];
    });
}
