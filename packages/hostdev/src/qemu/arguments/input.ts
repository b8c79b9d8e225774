// SPDX-License-Identifier: Apache-2.0

import type { Input } from "../../domain/devices/input.ts";
import { addressProperties, virtioDriver, virtioProperties } from "./address.ts";
import { type Build, deviceArgument, objectArgument } from "./options.ts";

/** Mice, tablets, keyboards; PS/2 ones are part of the machine. */
export function inputArguments(build: Build, input: Input): string[] {
  const place = addressProperties(build.domain, input);
  if (input.type === "evdev") {
    const { dev, repeat, grab, grabToggle } = input.source;
    return objectArgument({
      "qom-type": "input-linux",
      id: input.alias,
      evdev: dev,
      repeat,
      grab_all: grab === "all" ? true : undefined,
      "grab-toggle": grabToggle,
    });
  }
  if (input.bus === "usb") {
    const driver = { mouse: "usb-mouse", tablet: "usb-tablet", keyboard: "usb-kbd", passthrough: "" }[input.type];
    return deviceArgument(build, { driver, id: input.alias, ...place });
  }
  if (input.bus !== "virtio") return [];
  const base = input.type === "passthrough" ? "virtio-input-host" : `virtio-${input.type}`;
  const evdev = input.type === "passthrough" ? input.source.evdev : undefined;
  return deviceArgument(build, {
    driver: virtioDriver(base, input.model),
    ...virtioProperties(input.driver),
    id: input.alias,
    evdev,
    ...place,
  });
}
