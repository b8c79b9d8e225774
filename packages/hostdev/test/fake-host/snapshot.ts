// SPDX-License-Identifier: Apache-2.0
import type { FakeMachine } from "./fake-machine.ts";
import type { DirectoryNode, FileNode } from "./nodes.ts";
import { limitText } from "./process-table.ts";

/** The state of a machine as plain data: two equal ones mean that nothing was left behind. */
export interface Snapshot {
  /** Driver of each function; `none` when it has none. */
  readonly drivers: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
  /** Of virtual functions and those that have them: what `ip link` and autoprobe say. */
  readonly sriov: Readonly<Record<string, string>>;
  /** Device nodes: `crw------- 0:0`-like texts. */
  readonly nodes: Readonly<Record<string, string>>;
  readonly modules: readonly string[];
  /** Memlock of the processes, `soft:hard`, by pid and name; the programs of `open()` left out. */
  readonly limits: Readonly<Record<string, string>>;
  /** Regular files outside /sys and /proc: mode, owner, content. Lock files are left out: they stay by design. */
  readonly files: Readonly<Record<string, string>>;
  /** What systemd knows of the units below `/etc/systemd/system`, and which of them are active or enabled. */
  readonly units: Readonly<Record<string, string>>;
  /** Directories outside /sys, /proc and /dev: mode and owner. */
  readonly directories: Readonly<Record<string, string>>;
}

/** Reads the whole state of a machine. */
export function takeSnapshot(machine: FakeMachine): Snapshot {
  const functions = [...machine.bus.functions.values()];
  const files: Record<string, string> = {};
  const nodes: Record<string, string> = {};
  const directories: Record<string, string> = {};
  visit(machine.fs.root, "", (path, node) => {
    if (node.kind === "file") {
      if (!machine.locks.paths.has(path)) files[path] = `${ownerOf(node)} ${JSON.stringify(textOf(node.content))}`;
    } else if (node.kind === "symlink") files[path] = `-> ${typeof node.target === "string" ? node.target : "?"}`;
    else if (node.kind === "directory") {
      if (!path.startsWith("/dev")) directories[path] = ownerOf(node);
    } else nodes[path] = `${node.kind} ${ownerOf(node)}`;
  });
  const processes = machine.processes.all().filter((process) => process.comm !== "hostdev");
  return {
    drivers: Object.fromEntries(functions.map((fn) => [fn.address, fn.driver?.name ?? "none"])),
    overrides: Object.fromEntries(
      functions.flatMap((fn) => (fn.override === undefined ? [] : [[fn.address, fn.override]])),
    ),
    sriov: Object.fromEntries(
      functions.flatMap((fn) => [
        ...(fn.physical === undefined ? [] : [[fn.address, `${fn.settings.mac} ${fn.settings.vlan}`]]),
        ...(fn.probesVirtuals ? [] : [[fn.address, "no autoprobe"]]),
      ]),
    ),
    nodes,
    modules: [...machine.modules.loaded].sort(),
    limits: Object.fromEntries(
      processes.map(({ pid, comm, memlock }) => [
        `${pid} ${comm}`,
        `${limitText(memlock.soft)}:${limitText(memlock.hard)}`,
      ]),
    ),
    files,
    units: machine.systemd.state(),
    directories,
  };
}

/**
 * Tells in lines what is different: `drivers 0000:01:00.0: e1000e -> vfio-pci`, with `(absent)` for what is not there.
 *
 * @param ignore lines that match any of these are left out.
 */
export function diffSnapshots(before: Snapshot, after: Snapshot, ignore: readonly RegExp[] = []): string[] {
  const lines: string[] = [];
  for (const part of ["drivers", "overrides", "sriov", "nodes", "limits", "files", "units", "directories"] as const) {
    const names = new Set([...Object.keys(before[part]), ...Object.keys(after[part])]);
    for (const name of [...names].sort()) {
      const [old, now] = [before[part][name] ?? "(absent)", after[part][name] ?? "(absent)"];
      if (old !== now) lines.push(`${part} ${name}: ${old} -> ${now}`);
    }
  }
  for (const module of before.modules)
    if (!after.modules.includes(module)) lines.push(`modules ${module}: loaded -> (absent)`);
  for (const module of after.modules)
    if (!before.modules.includes(module)) lines.push(`modules ${module}: (absent) -> loaded`);
  return lines.filter((line) => !ignore.some((pattern) => pattern.test(line)));
}

function visit(directory: DirectoryNode, path: string, see: (path: string, node: FileNode) => void): void {
  for (const name of [...directory.children.keys()].sort()) {
    const node = directory.children.get(name);
    if (node === undefined || (node.kind === "directory" && node.pseudo)) continue;
    see(`${path}/${name}`, node);
    if (node.kind === "directory") visit(node, `${path}/${name}`, see);
  }
}

function ownerOf({ mode, uid, gid }: FileNode): string {
  return `${mode.toString(8).padStart(4, "0")} ${uid}:${gid}`;
}

function textOf(content: string | Uint8Array): string {
  return typeof content === "string" ? content : Buffer.from(content).toString("latin1");
}
