// SPDX-License-Identifier: Apache-2.0
import type { FakeFileSystem } from "./fake-file-system.ts";
import type { FakeProcess } from "./fake-process.ts";
import { FileChanges } from "./file-changes.ts";

/** Locks as of flock(2): they end with their process, however it ends; the file stays, with the last owner's pid. */
export class Locks {
  readonly #fs: FakeFileSystem;
  readonly #owners = new Map<string, FakeProcess>();
  readonly #paths = new Set<string>();

  constructor(fs: FakeFileSystem) {
    this.#fs = fs;
  }

  /** Every path that was ever locked. */
  get paths(): ReadonlySet<string> {
    return this.#paths;
  }

  /** @returns the pid of the owner, when there is one already. */
  take(path: string, process: FakeProcess): number | undefined {
    const owner = this.#owners.get(path);
    if (owner !== undefined) return owner.pid;
    new FileChanges(this.#fs, process.caller).writeFile(path, `${process.pid}\n`, 0o644);
    this.#owners.set(path, process);
    this.#paths.add(path);
    process.atEnd(() => this.release(path, process));
    return undefined;
  }

  release(path: string, process: FakeProcess): void {
    if (this.#owners.get(path) === process) this.#owners.delete(path);
  }
}
