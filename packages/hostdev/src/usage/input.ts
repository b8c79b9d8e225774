// SPDX-License-Identifier: Apache-2.0
import type { PciFunction } from "../pci/pci-function.ts";
import { functionsAbove } from "./functions-above.ts";
import type { Reader } from "./reader.ts";
import type { Claim } from "./use.ts";

/** A keyboard: what it calls itself, and its place in sysfs. */
export interface Keyboard {
  readonly name: string;
  readonly devicePath: string;
}

/**
 * The keyboards in `/proc/bus/input/devices`: what has the first 31 keys (Escape, digits, Q to S), as udev has it.
 * Power buttons, mice and remote controls have some keys too. Pure.
 */
export function parseKeyboards(table: string): readonly Keyboard[] {
  return table.split(/\n\s*\n/).flatMap((device) => {
    const lowest = /^B: KEY=(?:.* )?([0-9a-f]+)$/im.exec(device)?.[1]?.slice(-8) ?? "0";
    const place = /^S: Sysfs=(\/\S*)$/m.exec(device)?.[1];
    if (place === undefined || (~Number.parseInt(lowest, 16) & 0xffff_fffe) !== 0) return [];
    return [{ name: /^N: Name="(.*)"$/m.exec(device)?.[1] ?? "keyboard", devicePath: `/sys${place}` }];
  });
}

/**
 * Finds the functions without which the machine has no keyboard left: usually a USB controller. Keyboards are gone
 * together when their functions are in one IOMMU group, since that is lent as a whole.
 *
 * Keyboards that programs make (uinput) or that come by Bluetooth are no rescue, and not counted.
 *
 * Touches: reads `/proc/bus/input/devices`. Needs: nothing.
 */
export function claimKeyboards(reader: Reader, functions: readonly PciFunction[]): readonly Claim[] {
  const all = parseKeyboards(reader.text("/proc/bus/input/devices"));
  const keyboards = all.filter(({ devicePath }) => !devicePath.startsWith("/sys/devices/virtual/"));
  const groups = new Map(functions.map(({ address, group }) => [address, group === null ? address : `group ${group}`]));
  const fates = keyboards.map(({ devicePath }) => {
    const address = functionsAbove(devicePath).at(-1);
    return address === undefined ? undefined : (groups.get(address) ?? address);
  });
  if (fates.some((fate) => fate === undefined || fate !== fates[0])) return [];
  return keyboards.map(({ name, devicePath }) => ({
    kind: "input",
    functions: functionsAbove(devicePath),
    path: [name],
    does: `has keyboard "${name}" behind it, and ${keyboards.length === 1 ? "there is no other" : "no other stays"}`,
  }));
}
