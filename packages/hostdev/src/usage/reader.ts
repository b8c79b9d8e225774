// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/**
 * Reads tables and folders of the kernel without ever failing: what is absent is empty, and what this caller may not
 * read is empty too, but remembered in `unread`.
 */
export class Reader {
  readonly host: Host;
  readonly #unread = new Set<string>();

  constructor(host: Host) {
    this.host = host;
  }

  get isRoot(): boolean {
    return this.host.self.uid === 0;
  }

  get unread(): readonly string[] {
    return [...this.#unread].sort();
  }

  /** The text of a file. */
  text(path: string): string {
    return this.#attempt(path, () => this.host.readText(path)) ?? "";
  }

  /** The names in a directory, sorted. */
  names(path: string): readonly string[] {
    return [...(this.#attempt(path, () => this.host.list(path)) ?? [])].sort();
  }

  /** The target of a link. */
  link(path: string): string | undefined {
    return this.#attempt(path, () => this.host.readLink(path));
  }

  /** The targets of all links in a directory; none when any may not be read. */
  links(folder: string): readonly string[] {
    const readAll = () =>
      (this.host.list(folder) ?? []).flatMap((name) => this.host.readLink(`${folder}/${name}`) ?? []);
    return this.#attempt(folder, readAll) ?? [];
  }

  /** A path with its links resolved, or as it is. */
  realPath(path: string): string {
    return this.#attempt(path, () => this.host.realPath(path)) ?? path;
  }

  /**
   * The place below `/sys/devices` of a device that is listed in a class (`/sys/class/net/eth0`), empty when there is
   * none. Such links are direct, so that one read does.
   */
  devicePath(link: string): string {
    const target = this.link(link);
    return target === undefined ? "" : posix.resolve(posix.dirname(link), target);
  }

  #attempt<T>(path: string, act: () => T | undefined): T | undefined {
    try {
      return act();
    } catch (error) {
      if (!isHostdevError(error, "HD_FILE")) throw error;
      this.#unread.add(path);
      return undefined;
    }
  }
}
