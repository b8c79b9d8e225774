// SPDX-License-Identifier: Apache-2.0
import type { BlockDevice } from "./block-devices.ts";
import type { Reader } from "./reader.ts";

/** What udev found on a device when it came: properties such as `ID_FS_TYPE`. */
export type UdevRecord = ReadonlyMap<string, string>;

/**
 * Reads what udev knows of a block device; `undefined` when it knows nothing of it, or does not run.
 *
 * Touches: reads `/run/udev/data/b<major>:<minor>`. Needs: nothing.
 * The file is udev's own, but its form has been the same since 2012, and libudev reads nothing else.
 */
export function readUdevRecord(reader: Reader, { number }: BlockDevice): UdevRecord | undefined {
  const text = number === "" ? "" : reader.text(`/run/udev/data/b${number}`);
  if (text === "") return undefined;
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, name, value] = /^E:(\w+)=(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value ?? ""] as const];
    }),
  );
}
