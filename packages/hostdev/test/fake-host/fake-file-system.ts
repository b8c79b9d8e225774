// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import { KernelError } from "./kernel-error.ts";
import {
  type AttributeNode,
  type Caller,
  type DirectoryNode,
  type FileNode,
  kernelCaller,
  type Owned,
  plainDirectory,
  symlink,
} from "./nodes.ts";

/** The kernel's limit of links in one path (`MAXSYMLINKS`). */
const maxLinks = 40;

const bits = { read: 4, write: 2, search: 1 } as const;
type Wanted = keyof typeof bits;

/** Where a path led. */
interface Found {
  readonly node: FileNode;
  /** With all links resolved. */
  readonly path: string;
}

/** Whether these permission bits let this caller in. Root passes always, as with `CAP_DAC_OVERRIDE`. */
export function isAllowed(node: Owned, caller: Caller, wanted: Wanted): boolean {
  if (caller.uid === 0) return true;
  const shift = node.uid === caller.uid ? 6 : node.gid === caller.gid || caller.groups.includes(node.gid) ? 3 : 0;
  return ((node.mode >> shift) & bits[wanted]) !== 0;
}

/**
 * The tree of directories, files, links and device nodes, with path walk and permissions as in `path_resolution(7)`.
 * It knows nothing of PCI: others hang their nodes into it.
 */
export class FakeFileSystem {
  readonly root = plainDirectory();

  /** Walks a path. `follow` says whether a link in the last component is followed. */
  walk(path: string, caller: Caller, follow = true): Found {
    if (!path.startsWith("/")) throw new Error(`FakeHost takes absolute paths only, not ${JSON.stringify(path)}`);
    const names = path.split("/").filter((name) => name !== "");
    const stack: { name: string; node: DirectoryNode }[] = [];
    let here: FileNode = this.root;
    let last = "";
    let links = 0;
    while (names.length > 0) {
      const name = names.shift() ?? "";
      if (here.kind !== "directory") throw new KernelError("ENOTDIR");
      if (!isAllowed(here, caller, "search")) throw new KernelError("EACCES");
      if (name === ".") continue;
      if (name === "..") {
        const up = stack.pop();
        if (up !== undefined) [here, last] = [up.node, up.name];
        continue;
      }
      const child: FileNode | undefined = here.children.get(name) ?? here.computed?.get(name, caller);
      if (child === undefined) throw new KernelError("ENOENT");
      if (child.kind === "symlink" && (follow || names.length > 0)) {
        if (++links > maxLinks) throw new KernelError("ELOOP");
        const target = targetOf(child, caller);
        names.unshift(...target.split("/").filter((part) => part !== ""));
        if (target.startsWith("/")) {
          [here, last] = [this.root, ""];
          stack.length = 0;
        }
        continue;
      }
      stack.push({ name: last, node: here });
      [here, last] = [child, name];
    }
    if (path.endsWith("/") && here.kind !== "directory") throw new KernelError("ENOTDIR");
    const path_ = `/${[...stack.map((entry) => entry.name), last].filter((name) => name !== "").join("/")}`;
    return { node: here, path: path_ };
  }

  /** The directory that holds a path's last component, and that component. */
  parent(path: string, caller: Caller): { directory: DirectoryNode; name: string } {
    const { node } = this.walk(posix.dirname(path), caller);
    if (node.kind !== "directory") throw new KernelError("ENOTDIR");
    if (!isAllowed(node, caller, "search")) throw new KernelError("EACCES");
    return { directory: node, name: posix.basename(path) };
  }

  /** The parent, when the caller may make or remove entries in it; sysfs and proc refuse even root (`refusal`). */
  writableParent(
    path: string,
    caller: Caller,
    refusal: "EACCES" | "EPERM",
  ): { directory: DirectoryNode; name: string } {
    const found = this.parent(path, caller);
    if (!isAllowed(found.directory, caller, "write")) throw new KernelError("EACCES");
    if (found.directory.pseudo) throw new KernelError(refusal);
    return found;
  }

  /** Reads a whole file, or fails as `open(2)` or `read(2)` would. */
  read(path: string, caller: Caller): Uint8Array {
    const { node } = this.walk(path, caller);
    if (node.kind === "directory") throw new KernelError("EISDIR");
    if (!isAllowed(node, caller, "read")) throw new KernelError("EACCES");
    if (node.kind === "file") return toBytes(node.content);
    if (node.kind === "attribute") return toBytes(readAttribute(node, caller));
    if (node.kind === "socket") throw new KernelError("ENXIO");
    return new Uint8Array();
  }

  /** One `write(2)` of a whole value. Writing nothing does nothing: sysfs returns before it calls the attribute. */
  write(path: string, value: string, caller: Caller): void {
    const { node } = this.walk(path, caller);
    if (node.kind === "directory") throw new KernelError("EISDIR");
    if (!isAllowed(node, caller, "write")) throw new KernelError("EACCES");
    if (node.kind === "file") node.content = value;
    else if (node.kind === "attribute") writeAttribute(node, value, caller);
  }

  /** `pwrite(2)` into a binary file of sysfs. */
  writeAt(path: string, offset: number, bytes: Uint8Array, caller: Caller): void {
    const { node } = this.walk(path, caller);
    if (!isAllowed(node, caller, "write")) throw new KernelError("EACCES");
    if (node.kind !== "attribute" || node.writeAt === undefined) throw new KernelError("EINVAL");
    node.writeAt(offset, bytes);
  }

  /** Opens for reading and writing, and closes. @returns the errno of the failure, if it fails. */
  tryOpen(path: string, caller: Caller): string | undefined {
    try {
      const { node } = this.walk(path, caller);
      if (node.kind === "directory") return "EISDIR";
      if (!isAllowed(node, caller, "read") || !isAllowed(node, caller, "write")) return "EACCES";
      if (node.kind === "attribute")
        return isOpenable(node, "read") && isOpenable(node, "write") ? undefined : "EACCES";
      if (node.kind === "socket") return "ENXIO";
      return node.kind === "character-device" || node.kind === "block-device" ? node.open?.(caller) : undefined;
    } catch (error) {
      if (error instanceof KernelError) return error.errno;
      throw error;
    }
  }

  /** Names in a directory; sysfs gives them in hash order, so that nobody relies on a sorted list. */
  list(path: string, caller: Caller): readonly string[] {
    const { node } = this.walk(path, caller);
    if (node.kind !== "directory") throw new KernelError("ENOTDIR");
    if (!isAllowed(node, caller, "read")) throw new KernelError("EACCES");
    const names = [...node.children.keys(), ...(node.computed?.names(caller) ?? [])];
    return node.pseudo && node.computed === undefined ? hashOrdered(names) : names;
  }

  /** Hangs a node in, making missing parents as the kernel would. */
  add<N extends FileNode>(path: string, node: N): N {
    this.directory(posix.dirname(path)).children.set(posix.basename(path), node);
    return node;
  }

  /** The directory at a path, made with its parents when absent, of the kind that its parent is. */
  directory(path: string): DirectoryNode {
    let here = this.root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      let next = here.children.get(name);
      if (next === undefined) {
        next = { ...plainDirectory(), pseudo: here.pseudo };
        here.children.set(name, next);
      }
      if (next.kind !== "directory") throw new Error(`${path} passes through ${name}, which is no directory`);
      here = next;
    }
    return here;
  }

  /** Makes the relative link that sysfs would, from `path` to `target`, both absolute. */
  link(path: string, target: string): void {
    this.add(path, symlink(posix.relative(posix.dirname(path), target)));
  }

  /** Takes a node out, whatever is below it; absent is fine. */
  remove(path: string): void {
    const parent = this.find(posix.dirname(path));
    if (parent?.kind === "directory") parent.children.delete(posix.basename(path));
  }

  /** The node at a path, links not followed in the last component; `undefined` when absent. */
  find(path: string): FileNode | undefined {
    try {
      return this.walk(path, kernelCaller, false).node;
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }
}

export function targetOf(link: FileNode & { kind: "symlink" }, caller: Caller): string {
  return typeof link.target === "string" ? link.target : link.target(caller);
}

/**
 * sysfs opens with KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK: without the method, or without any such mode bit, EACCES also
 * for root (fs/kernfs/file.c, kernfs_fop_open).
 */
export function isOpenable(node: AttributeNode, wanted: "read" | "write"): boolean {
  return node[wanted] !== undefined && (node.mode & (wanted === "read" ? 0o444 : 0o222)) !== 0;
}

function readAttribute(node: AttributeNode, caller: Caller): string | Uint8Array {
  if (node.read === undefined || !isOpenable(node, "read")) throw new KernelError("EACCES");
  return node.read(caller);
}

function writeAttribute(node: AttributeNode, value: string, caller: Caller): void {
  if (node.write === undefined || !isOpenable(node, "write")) throw new KernelError("EACCES");
  if (value !== "") node.write(value, caller);
}

function toBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

function hashOrdered(names: readonly string[]): readonly string[] {
  return names
    .map((name) => ({ name, hash: hash(name) }))
    .sort((a, b) => a.hash - b.hash)
    .map((entry) => entry.name);
}

/** FNV-1a; any hash will do, the kernel's own differs between architectures too. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
