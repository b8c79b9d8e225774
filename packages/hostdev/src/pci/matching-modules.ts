// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { pciDevices, readAttribute } from "./sysfs.ts";

/**
 * Finds the kernel modules that would take a function if nothing overrode them, such as `e1000e`. Most drivers are
 * called like their modules, some are not (`xhci_pci` has `xhci_hcd`).
 *
 * Touches: reads the function's `modalias`; runs `modprobe --resolve-alias`. Needs: nothing.
 * @returns none also when there is no such function, no such module, or no modprobe.
 */
export async function findMatchingModules(host: Host, address: string): Promise<readonly string[]> {
  const alias = readAttribute(host, `${pciDevices}/${address}/modalias`);
  if (alias === undefined || !alias.startsWith("pci:")) return [];
  try {
    const { status, stdout } = await host.run("modprobe", ["--resolve-alias", alias]);
    return status === 0 ? [...new Set(stdout.split("\n").filter((line) => line !== ""))] : [];
  } catch (error) {
    if (isHostdevError(error, "HD_COMMAND_NOT_FOUND")) return [];
    throw error;
  }
}
