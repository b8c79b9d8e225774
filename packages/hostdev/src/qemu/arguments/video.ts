// SPDX-License-Identifier: Apache-2.0

/** Graphics cards. libvirt: qemuBuildDeviceVideoCmd. */
import type { Video } from "../../domain/devices/video.ts";
import { addressProperties, virtioProperties } from "./address.ts";
import { type Build, deviceArgument, keyValues, type Properties } from "./options.ts";

/** One card; the first one is the primary, which has a VGA in it. */
export function videoArguments(build: Build, video: Video, isPrimary: boolean): string[] {
  const model = video.model ?? {};
  if (model.type === "none") return [];
  const isHelper = video.driver?.name === "vhostuser";
  const chardev = isHelper ? `chr-vu-${video.alias}` : undefined;
  const helper = isHelper ? helperArguments(build, video, chardev ?? "") : [];
  const driver = driverOf(video, isPrimary);
  const isQxl = model.type === "qxl";
  const hasOutputs = model.type === "qxl" || model.type === "virtio";
  const properties: Properties = {
    driver,
    // A card with VGA is no virtio device to QEMU, but has one inside.
    ...(isPrimary ? {} : virtioProperties(video.driver)),
    id: video.alias,
    max_outputs: hasOutputs ? model.heads : undefined,
    ...(isQxl
      ? {
          ram_size: (model.ramKiB ?? 0) * 1024,
          vram_size: (model.vramKiB ?? 0) * 1024,
          vram64_size_mb: Math.floor((model.vram64KiB ?? 0) / 1024),
          vgamem_mb: Math.floor((model.vgamemKiB ?? 0) / 1024),
        }
      : {}),
    vgamem_mb: isQxl
      ? Math.floor((model.vgamemKiB ?? 0) / 1024)
      : model.type === "vga" || model.type === "vmvga"
        ? megabytes(model.vramKiB)
        : undefined,
    vgamem: model.type === "bochs" ? `${model.vramKiB}k` : undefined,
    blob: model.type === "virtio" ? model.blob : undefined,
    edid: model.edid,
    xres: model.resolution?.x,
    yres: model.resolution?.y,
    chardev,
    ...addressProperties(build.domain, video),
  };
  return [...helper, ...deviceArgument(build, properties)];
}

function megabytes(kib: number | undefined): number | undefined {
  return kib === undefined ? undefined : Math.floor(kib / 1024);
}

function driverOf(video: Video, isPrimary: boolean): string {
  const model = video.model ?? {};
  const accelerated = model.acceleration?.accel3d === true;
  switch (model.type) {
    case "vga":
      return isPrimary ? "VGA" : "secondary-vga";
    case "qxl":
      return isPrimary ? "qxl-vga" : "qxl";
    case "virtio":
      if (video.driver?.name === "vhostuser") return isPrimary ? "vhost-user-vga" : "vhost-user-gpu-pci";
      if (isPrimary) return accelerated ? "virtio-vga-gl" : "virtio-vga";
      return accelerated ? "virtio-gpu-gl-pci" : "virtio-gpu-pci";
    case "bochs":
      return "bochs-display";
    case "ramfb":
      return "ramfb";
    case "vmvga":
      return "vmware-svga";
    default:
      return "cirrus-vga";
  }
}

function helperArguments({ environment }: Build, video: Video, chardev: string): string[] {
  const alias = video.alias ?? "video0";
  const { helper } = environment.descriptors;
  const where =
    helper === undefined ? { path: `${environment.runtimeDirectory}/${alias}-gpu.sock` } : { fd: helper(alias) };
  return ["-chardev", keyValues("socket", { id: chardev, ...where })];
}
