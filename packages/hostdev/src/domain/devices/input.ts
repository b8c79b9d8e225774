// SPDX-License-Identifier: Apache-2.0
import { attribute, child, type Infer, object, required, variants } from "../../xml/schema.ts";
import { oneOf, onOff, path } from "../../xml/values.ts";
import { deviceInfo, virtioDriver, virtioModels } from "./device-info.ts";

const bus = attribute("bus", oneOf("ps2", "usb", "virtio"));
const model = attribute("model", oneOf(...virtioModels));
const ordinary = { bus, model, driver: virtioDriver, ...deviceInfo };

/** `<input>`: mice, tablets, keyboards. */
export const input = variants("type", {
  mouse: ordinary,
  tablet: ordinary,
  keyboard: ordinary,
  passthrough: {
    bus,
    model,
    driver: virtioDriver,
    source: required(child("source", object({ evdev: required(attribute("evdev", path)) }))),
    ...deviceInfo,
  },
  evdev: {
    source: required(
      child(
        "source",
        object({
          dev: required(attribute("dev", path)),
          grab: attribute("grab", oneOf("all")),
          grabToggle: attribute(
            "grabToggle",
            oneOf("ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"),
          ),
          repeat: attribute("repeat", onOff),
        }),
      ),
    ),
    ...deviceInfo,
  },
});

export type Input = Infer<typeof input>;
