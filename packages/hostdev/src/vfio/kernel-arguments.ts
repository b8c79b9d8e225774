// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { readAttribute } from "../pci/sysfs.ts";

/** The arguments that the kernel was booted with. Touches: reads `/proc/cmdline`. Needs: nothing. */
export function readKernelArguments(host: Host): readonly string[] {
  const words = (readAttribute(host, "/proc/cmdline") ?? "").split(/\s+/).filter((word) => word !== "");
  const end = words.indexOf("--"); // what follows is for init
  return end === -1 ? words : words.slice(0, end);
}

/**
 * The argument that has this value for this name, where values are lists (`iommu=off`, `intel_iommu=on,sm_off`).
 * Pure.
 */
export function findArgument(words: readonly string[], name: string, value: string): string | undefined {
  const found = words.find(
    (word) =>
      word.startsWith(`${name}=`) &&
      word
        .slice(name.length + 1)
        .split(",")
        .includes(value),
  );
  return found === undefined ? undefined : `${name}=${value}`;
}
