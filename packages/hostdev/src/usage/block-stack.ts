// SPDX-License-Identifier: Apache-2.0
import { type BlockDevice, type BlockDevices, isStack } from "./block-devices.ts";
import { functionsAbove } from "./functions-above.ts";

/** A block device somewhere below another. */
export interface Lower {
  readonly device: BlockDevice;
  /** From it up to where the walk began; a disk is left out when a partition of it is named. */
  readonly names: readonly string[];
}

/** These block devices and all that they are made of, each once, by the shortest way. Pure. */
export function walkDown(devices: BlockDevices, tops: readonly string[]): readonly Lower[] {
  const names = new Map(tops.map((top) => [top, [top]]));
  const found: Lower[] = [];
  // A Map goes on to what is added while it is walked: breadth first, and garbage in a circle ends.
  for (const [name, way] of names) {
    const device = devices.get(name);
    if (device === undefined) continue;
    found.push({ device, names: way });
    for (const lower of device.lowers) {
      if (!names.has(lower)) names.set(lower, device.disk === lower ? way : [lower, ...way]);
    }
  }
  return found;
}

/** Those of the block devices below, themselves included, that PCI functions drive. Pure. */
export function walkToFunctions(devices: BlockDevices, tops: readonly string[]): readonly Lower[] {
  return walkDown(devices, tops).filter(({ device }) => functionsAbove(device.devicePath).length > 0);
}

/** Stacked devices that nothing in `reached` is made of, the topmost only: assembled, but not mounted. Pure. */
export function topsOutside(devices: BlockDevices, reached: ReadonlySet<string>): readonly BlockDevice[] {
  const stacks = [...devices.values()].filter((device) => isStack(device) && !reached.has(device.name));
  const lowers = new Set(stacks.flatMap((device) => [...device.lowers]));
  return stacks.filter((device) => !lowers.has(device.name));
}
