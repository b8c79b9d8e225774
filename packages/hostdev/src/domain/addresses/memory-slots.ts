// SPDX-License-Identifier: Apache-2.0
import { invalid } from "../../xml/complaint.ts";
import type { Domain } from "../domain.ts";

/** Gives memory modules the lowest free slots, in place. */
export function assignMemorySlots(domain: Domain): void {
  const modules = domain.devices.memories.filter((memory) => memory.model === "dimm" || memory.model === "nvdimm");
  const taken = new Set<number>();
  for (const module of modules) {
    if (module.address?.type !== "dimm") continue;
    if (taken.has(module.address.slot)) throw invalid(module, `memory slot ${module.address.slot} is taken`);
    taken.add(module.address.slot);
  }
  const slots = domain.maxMemory?.slots ?? 0;
  for (const module of modules) {
    if (module.address !== undefined) continue;
    let slot = 0;
    while (taken.has(slot)) slot++;
    if (slot >= slots) throw invalid(module, `no memory slot is left; <maxMemory slots='...'> gives ${slots}`);
    taken.add(slot);
    module.address = { type: "dimm", slot };
  }
}
