// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { type Finding, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { Disk } from "../domain/devices/disk.ts";
import type { Domain } from "../domain/domain.ts";
import { pathState } from "./path-state.ts";
import { qcow2Backing } from "./storage/image-header.ts";
import type { NeededFile } from "./vm-needs.ts";

/**
 * Checks the files that QEMU opens: that they are there, that the caller may use them, and that images are of the
 * format that the XML says.
 *
 * Touches: reads the first bytes of images. Needs: nothing.
 */
export function checkFiles(host: Host, files: readonly NeededFile[], domain: Domain): readonly Finding[] {
  return [
    ...files.map((file) => checkFile(host, file)),
    ...domain.devices.disks.flatMap((disk) => checkImage(host, disk)),
    ...socketFolders(domain).flatMap((file) => checkFolder(host, file)),
  ];
}

function checkFile(host: Host, { path, access, what }: NeededFile): Finding {
  if (host.canAccess(path, access)) return ok(`${what}: ${path}`);
  const errno = pathState(host, path) ?? "EACCES";
  const state = errno === "EACCES" ? `you may not ${access === "read" ? "read" : "write"} it` : "it does not exist";
  return toFinding(
    new HostdevError("HD_FILE", `Cannot use ${path} (${what}): ${state}`, { path, operation: access, errno }),
  );
}

/** The first bytes of a qcow2 image; all other formats are not told from raw ones. */
const qcow2Magic = "QFI\u00fb";

function checkImage(host: Host, disk: Disk): readonly Finding[] {
  const path = disk.type === "file" ? disk.source?.file : disk.type === "block" ? disk.source?.dev : undefined;
  if (path === undefined || !host.canAccess(path, "read")) return [];
  const what = `disk ${disk.target.dev}`;
  const head = Buffer.from(host.readBytes(path, 4096) ?? []);
  const isQcow2 = head.toString("latin1", 0, 4) === qcow2Magic;
  if (disk.driver?.type !== "qcow2") return [];
  if (!isQcow2) {
    const message = `Cannot use ${path} (${what}): it is no qcow2 image`;
    return [toFinding(new HostdevError("HD_IMAGE_FORMAT", message, { path, expected: "qcow2" }))];
  }
  if (disk.backingStore !== undefined) return [];
  const backing = qcow2Backing(head, path);
  if (backing === undefined) return [];
  return [checkFile(host, { path: backing.path, access: "read", what: `backing file of ${what}` })];
}

/** Sockets that QEMU connects to, and where it makes sockets and files of its own. */
function socketFolders({ devices }: Domain): readonly NeededFile[] {
  const cards = devices.interfaces.flatMap((card): NeededFile[] => {
    if (card.type !== "vhostuser" || card.source?.path === undefined || card.backend?.type === "passt") return [];
    const { path, mode } = card.source;
    return [{ path, access: mode === "server" ? "read-write" : "read", what: card.alias ?? "interface" }];
  });
  const shares = devices.filesystems.flatMap(({ source, target }): NeededFile[] =>
    source.socket === undefined ? [] : [{ path: source.socket, access: "read", what: `file system ${target.dir}` }],
  );
  const disks = devices.disks.flatMap((disk): NeededFile[] =>
    disk.type === "vhostuser" && disk.source !== undefined
      ? [{ path: disk.source.path, access: "read", what: `disk ${disk.target.dev}` }]
      : [],
  );
  return [...cards, ...shares, ...disks, ...portFiles(devices)];
}

function portFiles(devices: Domain["devices"]): readonly NeededFile[] {
  const ports = [...devices.serials, ...devices.parallels, ...devices.channels];
  return ports.flatMap((one): NeededFile[] => {
    const what = one.alias ?? "port";
    if (one.type === "unix" && one.source?.path !== undefined)
      return [{ path: one.source.path, access: one.source.mode === "connect" ? "read" : "read-write", what }];
    return one.type === "file" ? [{ path: one.source.path, access: "read-write", what }] : [];
  });
}

/** A socket to connect to must be there; for what is made, its folder must be the caller's to write. */
function checkFolder(host: Host, file: NeededFile): readonly Finding[] {
  const folder = file.path.slice(0, Math.max(1, file.path.lastIndexOf("/")));
  if (file.access === "read") return pathState(host, file.path) === undefined ? [] : [checkFile(host, file)];
  if (host.canAccess(folder, "write") || host.canAccess(file.path, "write")) return [];
  return [checkFile(host, { ...file, path: folder })];
}
