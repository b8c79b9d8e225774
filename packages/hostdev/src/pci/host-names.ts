// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/** Folders that hold names, and which of what is in them are some. */
const folders = {
  net: /./,
  drm: /^card\d+$/,
  sound: /^card\d+$/,
} as const;

/** Where drivers of a class make their names, if in one folder only: then there is no need to look at all there is. */
function onlyFolderOf(classCode: number, vendorId: number): keyof typeof folders | "nvme" | undefined {
  if (vendorId === 0x1af4) return undefined; // virtio makes a device of its own in between
  switch (classCode >> 16) {
    case 0x02:
      return "net";
    case 0x03:
      return "drm";
    case 0x04:
      return "sound";
    default:
      return classCode >> 8 === 0x0108 ? "nvme" : undefined;
  }
}

/**
 * What the host calls the things that a function's driver made: network interfaces, disks, graphics cards,
 * sound cards, USB and SCSI hosts.
 *
 * Touches: reads below `path`, the folder in sysfs of a function that has a driver. Needs: nothing.
 */
export function readHostNames(host: Host, path: string, classCode: number, vendorId: number): readonly string[] {
  const only = onlyFolderOf(classCode, vendorId);
  if (only !== undefined) return readFolder(host, path, only).sort();
  return listFolder(host, path)
    .flatMap((child) => {
      if (child === "nvme" || Object.hasOwn(folders, child))
        return readFolder(host, path, child as keyof typeof folders);
      const maker = /^(usb|ata|host|virtio)\d+$/.exec(child)?.[1];
      if (maker === undefined) return [];
      if (maker !== "virtio") return [child];
      return ["net", "block"].flatMap((kind) => listFolder(host, `${path}/${child}/${kind}`));
    })
    .sort();
}

function readFolder(host: Host, path: string, folder: keyof typeof folders | "nvme"): string[] {
  const names = listFolder(host, `${path}/${folder}`);
  if (folder !== "nvme") return names.filter((name) => folders[folder].test(name));
  return names.flatMap((controller) => {
    const namespaces = listFolder(host, `${path}/nvme/${controller}`).filter((name) =>
      /^nvme\d+(c\d+)?n\d+$/.test(name),
    );
    return namespaces.length > 0 ? namespaces : [controller];
  });
}

function listFolder(host: Host, path: string): readonly string[] {
  try {
    return host.list(path) ?? [];
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return []; // no names, then
    throw error;
  }
}
