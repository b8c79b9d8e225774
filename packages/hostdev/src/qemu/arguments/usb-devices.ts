// SPDX-License-Identifier: Apache-2.0

/** USB hubs, and USB devices that come from the viewer of the screen. */
import type { CharacterSource } from "../../domain/devices/character-device.ts";
import type { Hub, Redirdev, Redirfilter } from "../../domain/devices/small-devices.ts";
import { addressProperties } from "./address.ts";
import { chardevArguments } from "./character-device.ts";
import { type Build, deviceArgument } from "./options.ts";

/** USB hubs. */
export function hubArguments(build: Build, hub: Hub): string[] {
  return deviceArgument(build, { driver: "usb-hub", id: hub.alias, ...addressProperties(build.domain, hub) });
}

/** USB devices that come from the viewer of the screen. */
export function redirdevArguments(build: Build, redirdev: Redirdev): string[] {
  const alias = redirdev.alias ?? "redir0";
  return [
    ...chardevArguments(build, redirdev as CharacterSource, alias),
    ...deviceArgument(build, {
      driver: "usb-redir",
      chardev: `char${alias}`,
      id: alias,
      filter: filterRules(build.domain.devices.redirfilter),
      bootindex: redirdev.boot?.order,
      ...addressProperties(build.domain, redirdev),
    }),
  ];
}

function filterRules(filter: Redirfilter | undefined): string | undefined {
  if (filter === undefined) return undefined;
  const hex = (text: string | undefined, digits: number) => {
    const value = text === undefined ? -1 : Number(text);
    return value < 0 ? "-1" : `0x${value.toString(16).toUpperCase().padStart(digits, "0")}`;
  };
  return filter.rules
    .map((rule) =>
      [
        hex(rule.class, 2),
        hex(rule.vendor, 4),
        hex(rule.product, 4),
        bcdVersion(rule.version),
        rule.allow ? "1" : "0",
      ].join(":"),
    )
    .join("|");
}

/** A version such as 1.10 in USB's binary-coded decimals: 0x0110. */
function bcdVersion(version: string | undefined): string {
  if (version === undefined || version === "-1") return "-1";
  const [major = "0", minor = "0"] = version.split(".");
  return `0x${major.padStart(2, "0")}${minor.padEnd(2, "0")}`;
}
