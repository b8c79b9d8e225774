// SPDX-License-Identifier: Apache-2.0

import type { PciFunction } from "../pci/pci-function.ts";
import { pciDevices } from "../pci/sysfs.ts";
import type { Reader } from "./reader.ts";
import type { Claim } from "./use.ts";

/**
 * Finds the PFs that have VFs now: without its PF's driver a VF is gone.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/sriov_numvfs`. Needs: nothing.
 */
export function claimPhysicalFunctions(reader: Reader, functions: readonly PciFunction[]): readonly Claim[] {
  return functions.flatMap(({ address, driver, isBridge, physicalFunction }): Claim[] => {
    if (driver === null || isBridge || physicalFunction !== null) return [];
    const count = Number.parseInt(reader.text(`${pciDevices}/${address}/sriov_numvfs`), 10) || 0;
    const words = `${count} virtual function${count === 1 ? "" : "s"}`;
    return count === 0
      ? []
      : [{ kind: "virtual-functions", functions: [address], path: [words], does: `has ${words}` }];
  });
}
