// SPDX-License-Identifier: Apache-2.0
import type { CommandAnswer } from "./commands.ts";
import type { FakeFileSystem } from "./fake-file-system.ts";
import type { FakeProcess } from "./fake-process.ts";
import { kernelCaller } from "./nodes.ts";

const folder = "/etc/systemd/system";

/**
 * PID 1, as far as unit files below `/etc/systemd/system` go: what they said when they were last loaded (at boot, or at
 * `daemon-reload`), which units run, and which are enabled. It starts nothing.
 */
export class Systemd {
  readonly #fs: FakeFileSystem;
  readonly #active = new Set<string>();
  #loaded: ReadonlyMap<string, string>;

  constructor(fs: FakeFileSystem) {
    this.#fs = fs;
    this.#loaded = this.#onDisk();
  }

  /** Whether a unit was started. */
  isActive(unit: string): boolean {
    return this.#active.has(unit);
  }

  /** By path: the loaded text; by unit: `active`. */
  state(): Record<string, string> {
    return Object.fromEntries([...this.#loaded, ...[...this.#active].sort().map((unit) => [unit, "active"] as const)]);
  }

  systemctl(args: readonly string[], process: FakeProcess): CommandAnswer {
    const [verb = "", ...rest] = args.filter((arg) => arg !== "--no-block");
    const units = rest.filter((arg) => !arg.startsWith("--"));
    const isReading = /^(is-|show|status|list|cat)/.test(verb);
    if (!isReading && process.caller.uid !== 0) return { status: 1, stderr: "Interactive authentication required.\n" };
    if (verb === "show") return { stdout: `${units.some((unit) => this.#isStale(unit)) ? "yes" : "no"}\n` };
    if (verb === "is-active") return { status: units.every((unit) => this.#active.has(unit)) ? 0 : 3 };
    if (verb === "daemon-reload") this.#loaded = this.#onDisk();
    for (const unit of units) {
      if (verb === "stop") this.#active.delete(unit);
      if (verb !== "start" && verb !== "restart") continue;
      if (!this.#isKnown(unit)) return { status: 5, stderr: `Failed to ${verb} ${unit}: Unit ${unit} not found.\n` };
      if (!unit.endsWith(".service")) this.#active.add(unit);
    }
    return {};
  }

  #isKnown(unit: string): boolean {
    return this.#loaded.has(`${folder}/${unit}`) || !unit.startsWith("hostdev-");
  }

  #isStale(unit: string): boolean {
    const disk = this.#onDisk();
    const isOf = (path: string) => path === `${folder}/${unit}` || path.startsWith(`${folder}/${unit}.d/`);
    const paths = [...new Set([...disk.keys(), ...this.#loaded.keys()])].filter(isOf);
    return paths.some((path) => disk.get(path) !== this.#loaded.get(path));
  }

  #onDisk(): ReadonlyMap<string, string> {
    const files = new Map<string, string>();
    const visit = (directory: string): void => {
      for (const name of this.#names(directory)) {
        const path = `${directory}/${name}`;
        const { node } = this.#fs.walk(path, kernelCaller, false);
        if (node.kind === "directory") visit(path);
        if (node.kind === "file" && !name.startsWith(".")) {
          files.set(path, typeof node.content === "string" ? node.content : new TextDecoder().decode(node.content));
        }
      }
    };
    visit(folder);
    return files;
  }

  #names(directory: string): readonly string[] {
    try {
      return this.#fs.list(directory, kernelCaller);
    } catch {
      return []; // a machine that has no such folder (yet)
    }
  }
}
