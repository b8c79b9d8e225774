// SPDX-License-Identifier: Apache-2.0
import type { Ownership } from "../../src/core/host.ts";
import { type FakeFileSystem, isAllowed } from "./fake-file-system.ts";
import { KernelError } from "./kernel-error.ts";
import { type Caller, plainDirectory } from "./nodes.ts";

/** What `Host`'s changing file operations do to the file system, with the permissions of the caller. */
export class FileChanges {
  readonly #fs: FakeFileSystem;
  readonly #caller: Caller;

  constructor(fs: FakeFileSystem, caller: Caller) {
    this.#fs = fs;
    this.#caller = caller;
  }

  writeFile(path: string, content: string, mode: number): void {
    const { directory, name } = this.#fs.writableParent(path, this.#caller, "EACCES");
    if (directory.children.get(name)?.kind === "directory") throw new KernelError("EISDIR");
    const { uid, gid } = this.#caller;
    directory.children.delete(`.${name}.new`);
    directory.children.set(name, { kind: "file", content, mode, uid, gid });
  }

  /** A whole-file write that was killed before its rename. */
  tearWriteFile(path: string, content: string): void {
    const { directory, name } = this.#fs.writableParent(path, this.#caller, "EACCES");
    const { uid, gid } = this.#caller;
    directory.children.set(`.${name}.new`, { kind: "file", content, mode: 0o600, uid, gid });
  }

  appendFile(path: string, text: string, mode: number): void {
    const { directory, name } = this.#fs.parent(path, this.#caller);
    const old = directory.children.get(name);
    if (old === undefined) return this.writeFile(path, text, mode);
    if (old.kind === "symlink") throw new KernelError("ELOOP");
    if (old.kind === "directory") throw new KernelError("EISDIR");
    if (!isAllowed(old, this.#caller, "write")) throw new KernelError("EACCES");
    if (old.kind !== "file") throw new KernelError("EINVAL");
    if (old.uid !== this.#caller.uid && this.#caller.uid !== 0) throw new KernelError("EPERM"); // fchmod
    const before = typeof old.content === "string" ? old.content : new TextDecoder().decode(old.content);
    old.content = before + text;
    old.mode = mode;
  }

  removeFile(path: string): void {
    const found = this.#absentIsFine(() => this.#fs.parent(path, this.#caller));
    const temporary = `.${found?.name}.new`;
    const node = found?.directory.children.get(found.name) ?? found?.directory.children.get(temporary);
    if (node === undefined) return;
    const { directory, name } = this.#fs.writableParent(path, this.#caller, "EPERM");
    if (node.kind === "directory") throw new KernelError("EISDIR");
    directory.children.delete(name);
    directory.children.delete(temporary);
  }

  makeDirectory(path: string, mode: number): void {
    if (path === "/" || this.#absentIsFine(() => this.#fs.walk(path, this.#caller, false)) !== undefined) return;
    this.makeDirectory(path.slice(0, path.lastIndexOf("/")) || "/", mode);
    const { directory, name } = this.#fs.writableParent(path, this.#caller, "EPERM");
    directory.children.set(name, plainDirectory(mode, this.#caller.uid, this.#caller.gid));
  }

  removeDirectory(path: string): void {
    const node = this.#absentIsFine(() => this.#fs.walk(path, this.#caller, false))?.node;
    if (node === undefined) return;
    const { directory, name } = this.#fs.writableParent(path, this.#caller, "EPERM");
    if (node.kind !== "directory") throw new KernelError("ENOTDIR");
    if (node.children.size === 0) directory.children.delete(name);
  }

  setOwnership(path: string, { uid, gid, mode }: Ownership): void {
    const { node } = this.#fs.walk(path, this.#caller, false);
    if (node.kind === "symlink") throw new KernelError("ELOOP");
    if (this.#caller.uid !== 0) {
      const mayChange = node.uid === this.#caller.uid && uid === node.uid && this.#caller.groups.includes(gid);
      if (!mayChange) throw new KernelError("EPERM");
    }
    Object.assign(node, { uid, gid, mode });
  }

  /** A change of owner that was killed after its first step, which takes all access away. */
  tearSetOwnership(path: string): void {
    const { node } = this.#fs.walk(path, this.#caller, false);
    if (node.kind !== "symlink" && this.#caller.uid === 0) node.mode = 0;
  }

  #absentIsFine<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (error instanceof KernelError && error.errno === "ENOENT") return undefined;
      throw error;
    }
  }
}
