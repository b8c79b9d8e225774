// SPDX-License-Identifier: Apache-2.0
import { type Finding, note, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { readInterruptRemapping } from "../vfio/interrupt-remapping.ts";
import { describeGivenUp, readInterruptSafety } from "../vfio/interrupt-safety.ts";
import { readIommu } from "./iommu.ts";
import { problem } from "./problem.ts";

/** Checks that interrupts are remapped: without it vfio refuses every device. Nothing is said without an IOMMU. */
export function checkInterruptRemapping(host: Host): readonly Finding[] {
  if (readIommu(host).groups === 0) return [];
  const safety = readInterruptSafety(host);
  const { state, evidence } = readInterruptRemapping(host);
  if (safety.state === "refused") {
    const { argument, isVirtualMachine } = safety;
    const text = `Interrupt remapping is off (${evidence}): the kernel lends no device, as it could send any interrupt`;
    return [problem("failure", "HD_INTERRUPT_REMAPPING_OFF", text, { argument, isVirtualMachine })];
  }
  // That the switch is set is a finding of its own.
  if (safety.state === "given-up") return [note(describeGivenUp(safety))];
  if (state === "on") return [ok(`Interrupt remapping is on (${evidence})`)];
  return [note(`Interrupt remapping: unknown, ${evidence}; root finds it with: journalctl -k | grep -i remapping`)];
}
