// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { Host } from "../../core/host.ts";
import { type ImageBacking, imageHeaderBytes, readImageHeader } from "./image-header.ts";

/** A file, or a folder, in a pool. */
export interface Volume {
  readonly path: string;
  readonly kind: "file" | "dir";
  readonly format: string;
  /** What a guest would see, what it takes on the disk, and how long the file is; all in bytes. */
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly physical: bigint;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970 with nine decimals. */
  readonly times: { readonly read: string; readonly written: string; readonly changed: string };
  readonly backing: ImageBacking | undefined;
}

/** Files that a volume is made in before it has its name; see `Host.writeFile` for the other ones of this form. */
const unfinished = /^\..*\.new$/;

/** What of a folder's content are volumes: whole files, and folders. Touches: reads. */
export function listVolumes(host: Host, folder: string): readonly string[] {
  return [...(host.list(folder) ?? [])].filter((name) => isVolume(host, folder, name)).sort();
}

/** Whether there is a volume of this name in a folder. The name cannot leave it. */
export function isVolume(host: Host, folder: string, name: string): boolean {
  if (name === "" || name === "." || name === ".." || name.includes("/") || unfinished.test(name)) return false;
  const path = host.realPath(`${folder}/${name}`);
  const kind = path === undefined ? undefined : host.status(path)?.kind;
  return kind === "file" || kind === "directory";
}

/**
 * Reads what is to be known of a volume.
 *
 * Touches: runs stat(1), since `Host` knows no blocks and times; reads the image's header.
 * @returns `undefined` when it has gone.
 */
export async function readVolume(host: Host, path: string): Promise<Volume | undefined> {
  const { status, stdout } = await host.run("stat", [
    "--dereference",
    "--format=%F|%s|%b|%B|%a|%u|%g|%.9X|%.9Y|%.9Z",
    "--",
    path,
  ]);
  if (status !== 0) return undefined;
  const [type = "", size = "0", blocks = "0", blockBytes = "0", mode = "0", uid, gid, ...times] = stdout
    .trim()
    .split("|");
  const isDirectory = type === "directory";
  const physical = BigInt(size);
  const head = isDirectory || !host.canAccess(path, "read") ? undefined : host.readBytes(path, imageHeaderBytes);
  const image = readImageHeader(Buffer.from(head ?? []), path);
  return {
    path,
    kind: isDirectory ? "dir" : "file",
    format: isDirectory ? "dir" : image.format,
    capacity: image.capacity ?? physical,
    allocation: BigInt(blocks) * BigInt(blockBytes),
    physical,
    mode: Number.parseInt(mode, 8),
    uid: Number(uid),
    gid: Number(gid),
    times: { read: times[0] ?? "0", written: times[1] ?? "0", changed: times[2] ?? "0" },
    backing: image.backing,
  };
}
