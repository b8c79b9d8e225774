// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import { type Mount, type Mounts, mountOf } from "./mounts.ts";
import type { Reader } from "./reader.ts";
import { zfsPoolOf } from "./zfs.ts";

/** A mounted file system, once however often it is mounted. */
export interface FileSystem {
  /** Names of the block devices it is on; none for ZFS, which does not say. */
  readonly devices: readonly string[];
  readonly zfsPool: string | undefined;
  /** Its shortest mount point, so `/` for the root; elsewhere than here only if it is not mounted here. */
  readonly point: string;
}

/** Finds the block devices below mounts and files. */
export class DeviceFinder {
  /** The devices of each mounted btrfs; a mount names only one of them, and its device number none. */
  readonly btrfs: readonly (readonly string[])[];
  readonly #reader: Reader;
  readonly #mounts: Mounts;
  /** By node or device number. */
  readonly #names = new Map<string, string>();

  /** Touches: reads `/sys/fs/btrfs`. */
  constructor(reader: Reader, mounts: Mounts) {
    this.#reader = reader;
    this.#mounts = mounts;
    const devices = reader.names("/sys/fs/btrfs").map((id) => reader.names(`/sys/fs/btrfs/${id}/devices`));
    this.btrfs = devices.filter((names) => names.length > 0);
  }

  /** The block devices that a file, or a node, lives on. */
  ofFile(path: string): readonly string[] {
    if (path.startsWith("/dev/")) return [this.#ofNode(path)];
    const mount = mountOf(this.#mounts.own, path);
    return mount === undefined ? [] : this.ofMount(mount);
  }

  /**
   * The block devices of a mount: by its number; without one by its source (of bcachefs several, `/dev/sda:/dev/sdb`);
   * those that its options name (logs and realtime devices of XFS, journals of ext4); and all of a btrfs.
   */
  ofMount({ number, source, options }: Mount): readonly string[] {
    const isAnonymous = number.startsWith("0:");
    const nodes = [
      ...(isAnonymous ? source.split(":") : []),
      ...[...options.matchAll(/=(\/[^,]+)/g)].map((match) => match[1] ?? ""),
    ];
    const names = nodes.filter((node) => node.startsWith("/dev/")).map((node) => this.#ofNode(node));
    if (!isAnonymous) names.unshift(this.#ofNumber(number));
    return [...new Set(names.flatMap((name) => this.btrfs.find((devices) => devices.includes(name)) ?? [name]))];
  }

  /** All mounted file systems that are on block devices or in ZFS pools. */
  fileSystems(): readonly FileSystem[] {
    const found = new Map<string, FileSystem>();
    const own = [...this.#mounts.own].sort((a, b) => a.point.length - b.point.length);
    for (const mount of [...own, ...this.#mounts.foreign]) {
      const zfsPool = zfsPoolOf(mount);
      const devices = this.ofMount(mount);
      const key = zfsPool ?? devices.join(" ");
      if (key !== "" && !found.has(key)) found.set(key, { devices, zfsPool, point: mount.point });
    }
    return [...found.values()];
  }

  /** `/dev/mapper/vg-root` is `dm-0`. */
  #ofNode(path: string): string {
    return this.#once(path, () => this.#reader.realPath(path).slice("/dev/".length).replaceAll("/", "!"));
  }

  #ofNumber(number: string): string {
    return this.#once(number, () => posix.basename(this.#reader.link(`/sys/dev/block/${number}`) ?? ""));
  }

  #once(key: string, find: () => string): string {
    const name = this.#names.get(key) ?? find();
    this.#names.set(key, name);
    return name;
  }
}
