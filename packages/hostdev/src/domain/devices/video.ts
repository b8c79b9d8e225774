// SPDX-License-Identifier: Apache-2.0
import { attribute, child, type Infer, object } from "../../xml/schema.ts";
import { integer, oneOf, onOff, path, yesNo } from "../../xml/values.ts";
import { deviceInfo, virtioOptions } from "./device-info.ts";

/** The kinds of graphics cards; `none` is for no card where one would be added. */
export const videoModels = ["vga", "cirrus", "qxl", "virtio", "bochs", "ramfb", "vmvga", "none"] as const;
export type VideoModel = (typeof videoModels)[number];

/** `<video>`: a graphics card. Memory sizes are in KiB. */
export const video = object({
  driver: child(
    "driver",
    object({
      name: attribute("name", oneOf("qemu", "vhostuser")),
      ...virtioOptions,
    }),
  ),
  model: child(
    "model",
    object({
      type: attribute("type", oneOf(...videoModels)),
      ramKiB: attribute("ram", integer(0)),
      vramKiB: attribute("vram", integer(0)),
      vram64KiB: attribute("vram64", integer(0)),
      vgamemKiB: attribute("vgamem", integer(0)),
      heads: attribute("heads", integer(1, 16)),
      primary: attribute("primary", yesNo),
      blob: attribute("blob", onOff),
      edid: attribute("edid", onOff),
      acceleration: child(
        "acceleration",
        object({
          accel3d: attribute("accel3d", yesNo),
          renderNode: attribute("rendernode", path),
        }),
      ),
      resolution: child("resolution", object({ x: attribute("x", integer(1)), y: attribute("y", integer(1)) })),
    }),
  ),
  ...deviceInfo,
});

export type Video = Infer<typeof video>;
