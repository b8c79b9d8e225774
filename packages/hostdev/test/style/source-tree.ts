// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's folder with the sources, seen from the emitted tests. */
export const packageRoot = fileURLToPath(new URL("../../..", import.meta.url));
export const repositoryRoot = resolve(packageRoot, "../..");
const sourceRoot = join(packageRoot, "src");

export interface SourceFile {
  /** Relative to `src`: `pci/address.ts`. */
  readonly path: string;
  readonly text: string;
  /** Imported files, relative to `src`; packages and Node's modules by their names. */
  readonly imports: readonly string[];
}

/** Every source file of the package, tests left out. */
export function readSources(): readonly SourceFile[] {
  const names = readdirSync(sourceRoot, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts")).map(readSource);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(sourceRoot, path), "utf8");
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^;]*?from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gms),
  ];
  const imports = specifiers.map((match) => match[1] ?? match[2] ?? match[3] ?? "");
  return { path, text, imports: imports.map((name) => (name.startsWith(".") ? resolveImport(path, name) : name)) };
}

function resolveImport(from: string, specifier: string): string {
  return relative(sourceRoot, resolve(sourceRoot, dirname(from), specifier));
}

/** Everything that a file imports, directly or not: files relative to `src`, and package names. */
export function importClosure(entry: string): ReadonlySet<string> {
  const byPath = new Map(readSources().map((source) => [source.path, source]));
  const closure = new Set<string>();
  const visit = (path: string) => {
    if (closure.has(path)) return;
    closure.add(path);
    for (const imported of byPath.get(path)?.imports ?? []) visit(imported);
  };
  visit(entry);
  return closure;
}
