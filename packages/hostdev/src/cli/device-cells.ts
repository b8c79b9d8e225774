// SPDX-License-Identifier: Apache-2.0
import { describeDevice, type InventoryItem } from "./inventory.ts";
import type { Cell } from "./table.ts";
import { looks } from "./topology/palette.ts";

/** From this width of a terminal on, lists have the class and the vendor too. */
const wideTerminal = 160;

/** The verdict, in its colour. */
export function verdictCell({ verdict, verdictText }: InventoryItem): Cell {
  return { text: verdictText, style: looks[verdict.kind].terminal };
}

/**
 * What a function is: class, vendor, name and ids; where there is no room for all of it, its name, or where no name is
 * known, class and ids.
 */
export function deviceCell({ function: device, names }: InventoryItem, width: number | undefined): Cell {
  const className = names.class ?? device.classCode.toString(16).padStart(6, "0");
  if (width === undefined || width >= wideTerminal) return `${className}: ${describeDevice(device, names)}`;
  return names.device ?? `${className}: ${describeDevice(device, { ...names, vendor: null })}`;
}
