// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PciAddress } from "../../src/pci/address.ts";

/** The folder of recorded cases, looked for from the current folder upwards. */
export function goldenFolder(area: string): string {
  let above = process.cwd();
  for (;;) {
    for (const inside of ["packages/hostdev/test/golden", "test/golden"]) {
      const folder = join(above, inside, area);
      if (existsSync(folder)) return folder;
    }
    if (dirname(above) === above) throw new Error(`there is no folder test/golden/${area} above ${process.cwd()}`);
    above = dirname(above);
  }
}

/** In the recorded cases, host devices on bus 7 are conventional PCI. */
export function goldenExpressness({ bus }: PciAddress): "pcie" | "pci" {
  return bus === 7 ? "pci" : "pcie";
}
