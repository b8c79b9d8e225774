// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import type { CommandResult, Host } from "../../core/host.ts";
import { internalError, invalidArgument, invalidState, systemError, volumeExists } from "./storage-errors.ts";
import { isVolume, readVolume, type Volume } from "./volume.ts";
import type { VolumeRequest } from "./volume-xml.ts";

/** Copies of large images take their time. */
const patienceMs = 24 * 3600 * 1000;
/** qemu-img takes sizes of whole sectors. */
const sectorBytes = 512n;

export interface MakeOptions {
  /** What it is to be a copy of. */
  readonly original?: Volume;
  /** qcow2's tables are written too (`VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA`). */
  readonly preallocate?: boolean;
}

/**
 * Makes an image in a folder: a new one, or a copy of `original`. It appears under its name whole or not at all, and
 * never takes the place of a file.
 *
 * Touches: runs qemu-img(1) and mv(1); the file. Needs: nothing.
 * @throws {HostdevError} `HD_LIBVIRT_ERROR` when there is such a file, or qemu-img fails; `HD_COMMAND_NOT_FOUND`.
 * After a failure there is no new file; after a kill perhaps `.NAME.new`, which the next attempt replaces.
 */
export async function makeVolume(
  host: Host,
  folder: string,
  request: VolumeRequest,
  { original, preallocate = false }: MakeOptions = {},
): Promise<void> {
  const path = posix.join(folder, request.name);
  const draft = posix.join(folder, `.${request.name}.new`);
  if (host.status(path) !== undefined) throw volumeExists(request.name);
  const asked = request.capacity ?? original?.capacity ?? 0n;
  const capacity = ((asked + sectorBytes - 1n) / sectorBytes) * sectorBytes;
  const options = imageOptions(request, capacity, preallocate, original !== undefined);
  host.removeFile(draft);
  try {
    const args = options.length === 0 ? [] : ["-o", options.join(",")];
    if (original === undefined) await create(host, draft, request, capacity, args);
    else await copy(host, draft, request, original, args);
    if (original !== undefined && capacity > original.capacity) await growImage(host, draft, request.format, capacity);
    const { uid, gid } = host.self;
    host.setOwnership(draft, { uid, gid, mode: request.mode });
    // Nobody else's file of that name, made meanwhile, is replaced.
    await check(host.run("mv", ["--no-clobber", "--no-target-directory", "--", draft, path]), "mv");
    if (host.status(draft) !== undefined) throw volumeExists(request.name);
  } finally {
    host.removeFile(draft);
  }
}

function imageOptions(request: VolumeRequest, capacity: bigint, preallocate: boolean, isCopy: boolean): string[] {
  const { format, compat, clusterSize, lazyRefcounts, nocow, allocation = capacity } = request;
  const options: string[] = [];
  // Of a raw image what is asked for is reserved at once, as libvirt does; a copy keeps its holes.
  if (format === "raw" && !isCopy && allocation >= capacity && capacity > 0n) options.push("preallocation=falloc");
  if (format === "qcow2") {
    if (preallocate) options.push("preallocation=metadata");
    if (compat !== undefined) options.push(`compat=${compat}`);
    if (clusterSize !== undefined) options.push(`cluster_size=${clusterSize}`);
    if (lazyRefcounts) options.push("lazy_refcounts=on");
  }
  if (nocow) options.push("nocow=on");
  return options;
}

async function create(host: Host, path: string, request: VolumeRequest, capacity: bigint, args: readonly string[]) {
  const { format, backing } = request;
  const below = backing === undefined ? [] : ["-b", backing.path, "-F", await backingFormat(host, backing)];
  await qemuImg(host, ["create", "-q", "-f", format, ...args, ...below, "--", path, String(capacity)]);
}

async function backingFormat(host: Host, { path, format }: { path: string; format: string | undefined }) {
  return format ?? (await readVolume(host, path))?.format ?? "raw";
}

async function copy(host: Host, path: string, { format }: VolumeRequest, original: Volume, args: readonly string[]) {
  const from = original.format === "iso" ? "raw" : original.format;
  await qemuImg(host, ["convert", "-f", from, "-O", format, ...args, "--", original.path, path]);
}

async function growImage(host: Host, path: string, format: string, capacity: bigint): Promise<void> {
  await qemuImg(host, ["resize", "-q", "-f", format, "--", path, String(capacity)]);
}

/** `VIR_STORAGE_VOL_RESIZE_*`: reserve the space; the size is a difference; less is meant. */
const resize = { allocate: 1, delta: 2, shrink: 4 };
/** All of them. */
export const resizeFlags = resize.allocate | resize.delta | resize.shrink;

/**
 * Makes an image larger, or with the flag for it smaller.
 *
 * Touches: runs qemu-img(1). @throws {HostdevError} `HD_LIBVIRT_ERROR`. After a failure: as QEMU left it.
 */
export async function resizeVolume(host: Host, volume: Volume, size: bigint, flags: number): Promise<void> {
  const { capacity, path, format } = volume;
  const has = (flag: number) => (flags & flag) !== 0;
  const change = has(resize.shrink) ? -size : size;
  const wanted = has(resize.delta) ? capacity + change : size;
  if (wanted < 0n) throw invalidArgument("the volume would be smaller than nothing");
  if (wanted < capacity && !has(resize.shrink)) {
    throw invalidArgument("Can't shrink capacity below current capacity unless shrink flag explicitly specified");
  }
  const how = [...(wanted < capacity ? ["--shrink"] : []), ...(has(resize.allocate) ? ["--preallocation=falloc"] : [])];
  await qemuImg(host, ["resize", "-q", "-f", format, ...how, "--", path, String(wanted)]);
}

/** Removes a file, or an empty folder. @throws {HostdevError} `HD_FILE`, `HD_LIBVIRT_ERROR`. */
export function deleteVolume(host: Host, folder: string, name: string): void {
  const path = posix.join(folder, name);
  if (!isVolume(host, folder, name)) throw invalidState(`there is no volume '${name}'`);
  if (host.status(path)?.kind !== "directory") return host.removeFile(path);
  host.removeDirectory(path);
  if (host.status(path) !== undefined) throw systemError(`cannot remove directory '${path}'`, "Directory not empty");
}

async function qemuImg(host: Host, args: readonly string[]): Promise<void> {
  await check(host.run("qemu-img", args, { timeoutMs: patienceMs }), "qemu-img");
}

async function check(running: Promise<CommandResult>, name: string): Promise<void> {
  const { status, stderr } = await running;
  if (status !== 0) throw internalError(`${name}: ${stderr.trim().replace(/^qemu-img: /, "") || `status ${status}`}`);
}
