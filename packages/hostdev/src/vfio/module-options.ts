// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { listNames, readAttribute } from "../pci/sysfs.ts";
import { readKernelArguments } from "./kernel-arguments.ts";

/** An option that a module gets when it is loaded. */
export interface ModuleOption {
  /** The kernel's spelling, with underscores. */
  readonly module: string;
  readonly name: string;
  readonly value: string;
  /** The file that says so, or `the kernel's arguments`. */
  readonly source: string;
}

/** In this order: a file hides those of its name in later folders (modprobe.d(5)). */
const folders = [
  "/etc/modprobe.d",
  "/run/modprobe.d",
  "/usr/local/lib/modprobe.d",
  "/usr/lib/modprobe.d",
  "/lib/modprobe.d",
];

const canonical = (module: string) => module.replaceAll("-", "_");

/** Reads the options of all modules, as far as this caller may. Touches: reads modprobe.d, `/proc/cmdline`. */
export function readModuleOptions(host: Host): readonly ModuleOption[] {
  const files = new Map<string, string>();
  for (const folder of folders) {
    for (const name of listNames(host, folder)) {
      if (name.endsWith(".conf") && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  const configured = [...files.values()].flatMap((path) => parseModuleOptions(readAttribute(host, path) ?? "", path));
  return [...configured, ...readKernelArguments(host).flatMap(parseArgument)];
}

/** The `options` lines of a file. Pure. */
export function parseModuleOptions(text: string, source: string): readonly ModuleOption[] {
  const lines = text.replace(/\\\n/g, " ").split("\n");
  return lines.flatMap((line) => {
    const [command, module, ...words] = line.trim().split(/\s+/);
    if (command !== "options" || module === undefined) return [];
    return words.map((word) => ({ module: canonical(module), ...parseWord(word), source }));
  });
}

/** A parameter of a module, as it is, or as it will be when the module is loaded. */
export interface ModuleSwitch {
  readonly isOn: boolean;
  /** What will set it; `null`: the module is loaded, and it is in force. */
  readonly source: string | null;
}

/**
 * Reads a switch of a module. Touches: reads `/sys/module`. Needs: nothing.
 *
 * @param options all options of modules, by `readModuleOptions`.
 */
export function readModuleSwitch(
  host: Host,
  module: string,
  parameter: string,
  options: readonly ModuleOption[],
): ModuleSwitch {
  const inForce = readAttribute(host, `/sys/module/${module}/parameters/${parameter}`);
  const configured = options.findLast((option) => option.module === module && option.name === parameter);
  const value = inForce ?? configured?.value;
  const isOn = value !== undefined && /^(y|1|on)/i.test(value);
  return { isOn, source: inForce === undefined ? (configured?.source ?? null) : null };
}

function parseArgument(word: string): readonly ModuleOption[] {
  const match = /^([\w-]+)\.(.+)$/.exec(word);
  if (match?.[1] === undefined || match[2] === undefined) return [];
  return [{ module: canonical(match[1]), ...parseWord(match[2]), source: "the kernel's arguments" }];
}

/** A switch may stand without a value. */
function parseWord(word: string): { readonly name: string; readonly value: string } {
  const at = word.indexOf("=");
  return at === -1 ? { name: word, value: "Y" } : { name: word.slice(0, at), value: word.slice(at + 1) };
}
