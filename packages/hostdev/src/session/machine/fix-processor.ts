// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../../domain/domain.ts";

/** The processor of QEMU's machines for PCs, which a guest gets whose definition asks for none. */
const usualModel = "qemu64";

/**
 * Writes the processor that a guest gets into a definition that does not say, as libvirt does: programs such as
 * virt-manager read it there. It makes no difference to the guest. Pure.
 */
export function fixProcessor(domain: Domain): void {
  domain.cpu ??= { features: [] };
  const { cpu } = domain;
  if ((cpu.mode ?? "custom") !== "custom" || cpu.model !== undefined) return;
  cpu.mode = "custom";
  cpu.match ??= "exact";
  cpu.check ??= "none";
  cpu.model = { name: usualModel, fallback: "forbid" };
}
