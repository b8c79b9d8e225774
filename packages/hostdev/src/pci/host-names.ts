// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";

/**
 * What the host calls the things that a function's driver made: network interfaces, disks, graphics cards,
 * sound cards, USB and SCSI hosts.
 *
 * Touches: reads below `path`, a function's folder in sysfs, whose names are `children`. Needs: nothing.
 */
export function readHostNames(host: Host, path: string, children: ReadonlySet<string>): readonly string[] {
  const names: string[] = [];
  const add = (folder: string, wanted: RegExp) => {
    if (children.has(folder)) names.push(...(host.list(`${path}/${folder}`) ?? []).filter((name) => wanted.test(name)));
  };
  add("net", /./);
  add("drm", /^card\d+$/);
  add("sound", /^card\d+$/);
  if (children.has("nvme")) {
    for (const controller of host.list(`${path}/nvme`) ?? []) {
      const namespaces = (host.list(`${path}/nvme/${controller}`) ?? []).filter((name) =>
        /^nvme\d+(c\d+)?n\d+$/.test(name),
      );
      names.push(...(namespaces.length > 0 ? namespaces : [controller]));
    }
  }
  for (const child of children) {
    const maker = /^(usb|ata|host|virtio)\d+$/.exec(child)?.[1];
    if (maker === undefined) continue;
    if (maker !== "virtio") names.push(child);
    else for (const kind of ["net", "block"]) names.push(...(host.list(`${path}/${child}/${kind}`) ?? []));
  }
  return names.sort();
}
