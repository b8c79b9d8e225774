// SPDX-License-Identifier: Apache-2.0
import { invalid, unsupported } from "../../xml/complaint.ts";
import type { Domain } from "../domain.ts";

/** Refuses screens and graphics cards that do not go together. */
export function validateScreens({ devices }: Domain): void {
  const kinds = devices.graphics.map((graphics) => graphics.type);
  const twice = devices.graphics.find((graphics, index) => kinds.indexOf(graphics.type) !== index);
  if (twice !== undefined) throw unsupported(twice, `there are two screens of type ${twice.type}`, "one of each type");
  for (const graphics of devices.graphics) {
    if (!("listens" in graphics)) continue;
    const [, second] = graphics.listens;
    if (second !== undefined) throw unsupported(second, "there are two <listen>", "one <listen>");
    const [first] = graphics.listens;
    if (first?.type === "address" && graphics.listen !== undefined && first.address !== graphics.listen) {
      throw invalid(graphics, `attribute listen='${graphics.listen}' is not the address of <listen>, ${first.address}`);
    }
  }
  for (const [index, video] of devices.videos.entries()) {
    if (video.model?.type === "none" && devices.videos.length > 1)
      throw invalid(video, "a video of type none is the only one");
    const canBeSecond = ["qxl", "virtio", "bochs", "vga", undefined].includes(video.model?.type);
    if (index > 0 && !canBeSecond)
      throw unsupported(
        video,
        `a card of type ${video.model?.type} can only be the first`,
        "types qxl, virtio, bochs and vga",
      );
    if (video.model?.blob !== undefined && video.model.type !== "virtio")
      throw invalid(video, "blob is for type virtio");
    const hasResolution = ["vga", "qxl", "virtio", "bochs", "ramfb"].includes(video.model?.type ?? "");
    if (video.model?.resolution !== undefined && !hasResolution)
      throw unsupported(
        video,
        `a card of type ${video.model.type} has no <resolution>`,
        "types vga, qxl, virtio and bochs",
      );
  }
}
