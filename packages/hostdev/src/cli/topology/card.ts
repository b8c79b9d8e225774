// SPDX-License-Identifier: Apache-2.0
import { printable } from "../../core/printable.ts";
import type { Verdict } from "../../vfio/verdict.ts";
import { describeDevice, type InventoryItem } from "../inventory.ts";

/** What a picture says of one function. All texts can be shown as they are. */
export interface Card {
  readonly address: string;
  readonly verdict: Verdict["kind"];
  readonly verdictText: string;
  readonly group: number | null;
  /** Whether it is its group's only function. */
  readonly isAlone: boolean;
  readonly driver: string | null;
  readonly hostNames: string;
  /** The device's name without its vendor's, or its class and ids. */
  readonly name: string;
  /** All there is to say, for tooltips. */
  readonly facts: readonly (readonly [name: string, text: string])[];
}

/** Makes the card of a function. Pure. */
export function toCard(item: InventoryItem, isAlone: boolean): Card {
  const { function: device, names, verdict, uses, nodeOwner } = item;
  const full = printable(describeDevice(device, names));
  const className = names.class ?? `class ${device.classCode.toString(16).padStart(6, "0")}`;
  const hostNames = printable(device.hostNames.join(" "));
  const driver = device.driver === null ? null : printable(device.driver);
  const verdictText = printable(item.verdictText);
  const facts: (readonly [string, string])[] = [
    ["device", full],
    ["class", printable(className)],
    ["verdict", verdictText],
    ["driver", driver ?? "none"],
    ["host names", hostNames],
    ["group", device.group === null ? "none" : String(device.group)],
    ["group node", nodeOwner === null ? "" : `of ${printable(nodeOwner)}`],
    ["virtual function of", device.physicalFunction ?? ""],
    ["NUMA node", device.numaNode === null ? "" : String(device.numaNode)],
    ...uses.map((use) => ["used", printable(use.text)] as const),
  ];
  return {
    address: device.address,
    verdict: verdict.kind,
    verdictText,
    group: device.group,
    isAlone,
    driver,
    hostNames,
    name: printable(names.device ?? `${className} ${describeDevice(device, { ...names, vendor: null })}`),
    facts: facts.filter(([, text]) => text !== ""),
  };
}

/** Name of the device, after what the host calls it. */
export function deviceText({ hostNames, name }: Card): string {
  return hostNames === "" ? name : `${hostNames}: ${name}`;
}

/** The card of a bridge that a path in sysfs names, but that is there no more. */
export function missingCard(address: string): Card {
  const text = "no longer there";
  return {
    address,
    verdict: "bridge",
    verdictText: text,
    group: null,
    isAlone: false,
    driver: null,
    hostNames: "",
    name: text,
    facts: [],
  };
}
