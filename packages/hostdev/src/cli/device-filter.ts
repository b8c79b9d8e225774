// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError } from "../core/errors.ts";
import type { InventoryItem } from "./inventory.ts";

/** The options by which lists of functions are narrowed. */
export interface FilterOptions {
  readonly class?: string;
  readonly driver?: string;
  readonly group?: string;
  readonly grantable?: true;
}

/** Adds the filters to a verb; `--group` by its own argument where it has one. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--class <text>", "only where the class has this code (0200) or its name this text")
    .option("--driver <name>", 'only what this driver is bound to; "none" for no driver')
    .option("--grantable", "only what can be lent now, or is lent to you");
}

/**
 * Makes the test that all given filters make together.
 *
 * @throws {HostdevError} `HD_INVALID_ARGUMENT` for a group that is no number.
 */
export function filterOf(options: FilterOptions): (item: InventoryItem) => boolean {
  const { class: classText, driver, group, grantable } = options;
  if (group !== undefined && !/^\d+$/.test(group)) {
    const expected = "a number, as in the first column of hostdev devices";
    const details = { argument: "group", value: group, expected };
    throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${JSON.stringify(group)} as group`, details);
  }
  const wantedClass = classText?.toLowerCase().replace(/^0x/, "");
  return ({ function: device, names, verdict }) => {
    const code = device.classCode.toString(16).padStart(6, "0");
    const className = names.class?.toLowerCase() ?? "";
    return (
      (wantedClass === undefined || code.startsWith(wantedClass) || className.includes(wantedClass)) &&
      (driver === undefined || (device.driver ?? "none") === driver) &&
      (group === undefined || device.group === Number(group)) &&
      (grantable === undefined || verdict.kind === "grantable" || verdict.kind === "ready")
    );
  };
}
