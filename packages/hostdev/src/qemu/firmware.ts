// SPDX-License-Identifier: Apache-2.0

/** A firmware image as its descriptor says (`/usr/share/qemu/firmware/*.json`), reduced to what we use. */
export interface FirmwareDescriptor {
  readonly interface: "bios" | "uefi";
  readonly executable: { readonly path: string; readonly format: FlashFormat };
  /** Absent when the firmware keeps no variables. */
  readonly nvramTemplate?: { readonly path: string; readonly format: FlashFormat };
  /** Patterns such as `pc-i440fx-*` and `pc-q35-*`. */
  readonly machines: readonly string[];
  readonly features: readonly string[];
}

export type FlashFormat = "raw" | "qcow2";

/**
 * Reads a descriptor (QEMU's docs/interop/firmware.json).
 *
 * @returns `undefined` when it is not one, or is for another architecture than x86-64.
 */
export function parseFirmwareDescriptor(text: string): FirmwareDescriptor | undefined {
  const root = tryJson(text);
  const mapping = member(root, "mapping");
  const executable = flashFile(member(mapping, "executable")) ?? {
    path: stringAt(mapping, "filename"),
    format: "raw" as const,
  };
  const nvram = flashFile(member(mapping, "nvram-template"));
  const types = listAt(root, "interface-types");
  const targets = listAt(root, "targets").filter((target) => stringAt(target, "architecture") === "x86_64");
  const kind = types.includes("uefi") ? "uefi" : types.includes("bios") ? "bios" : undefined;
  if (kind === undefined || executable.path === undefined || targets.length === 0) return undefined;
  return {
    interface: kind,
    executable: { path: executable.path, format: executable.format },
    ...(nvram?.path === undefined ? {} : { nvramTemplate: { path: nvram.path, format: nvram.format } }),
    machines: targets.flatMap((target) => listAt(target, "machines")).filter(isString),
    features: listAt(root, "features").filter(isString),
  };
}

function flashFile(value: unknown): { path: string | undefined; format: FlashFormat } | undefined {
  if (value === undefined) return undefined;
  return { path: stringAt(value, "filename"), format: stringAt(value, "format") === "qcow2" ? "qcow2" : "raw" };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Another program's file; what is not JSON is no descriptor.
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function stringAt(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return isString(found) ? found : undefined;
}

function listAt(value: unknown, name: string): readonly unknown[] {
  const found = member(value, name);
  return Array.isArray(found) ? found : [];
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
