// SPDX-License-Identifier: Apache-2.0
import { functionsAbove } from "./functions-above.ts";
import { type Mount, readMounts } from "./mounts.ts";
import type { Reader } from "./reader.ts";
import type { Claim } from "./use.ts";

/** By the type of the file system, the driver of the virtio devices through which it comes. */
const drivers = { "9p": "9pnet_virtio", virtiofs: "virtiofs" } as const;
type SharedType = keyof typeof drivers;

/**
 * Finds the functions through which a virtual machine's host shares folders that are mounted here (9p, virtiofs).
 *
 * Such a mount names the share by a tag. 9p devices show theirs, virtiofs ones do not before Linux 6.9: then any of
 * them may be it.
 *
 * Touches: reads `/sys/bus/virtio`, and mounts where there is such a device. Needs: nothing.
 */
export function claimSharedFolders(reader: Reader, pids: readonly string[]): readonly Claim[] {
  const shares = (Object.keys(drivers) as SharedType[]).flatMap((type) => {
    const names = reader.names(`/sys/bus/virtio/drivers/${drivers[type]}`);
    return names.filter((name) => /^virtio\d+$/.test(name)).map((name) => readShare(reader, type, name));
  });
  if (shares.length === 0) return [];
  const { own, foreign } = readMounts(reader, pids);
  return shares.flatMap((share) => [...own, ...foreign].filter((mount) => isOf(share, mount)).map(claimOf(share)));
}

interface Share {
  readonly type: SharedType;
  /** Empty where the device does not show it. */
  readonly tag: string;
  readonly functions: readonly string[];
}

function readShare(reader: Reader, type: SharedType, name: string): Share {
  const device = `/sys/bus/virtio/devices/${name}`;
  const tag = type === "9p" ? reader.text(`${device}/mount_tag`).replace(/\0.*$/s, "").trim() : "";
  return { type, tag, functions: functionsAbove(reader.devicePath(device)) };
}

function isOf({ type, tag }: Share, mount: Mount): boolean {
  return mount.type === type && (tag === "" || mount.source === tag);
}

function claimOf({ functions, tag }: Share): (mount: Mount) => Claim {
  const may = tag === "" ? "may be what shares" : "shares";
  return ({ point, source }) => ({
    kind: point === "/" ? "root" : "mount",
    functions,
    path: [source, point],
    does: `${may} the folder mounted at ${point}`,
  });
}
