// SPDX-License-Identifier: Apache-2.0
import { type Finding, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { nodeSet } from "../domain/node-set.ts";
import { invalid } from "../xml/complaint.ts";
import { readCpuTopology } from "./machine/cpu-topology.ts";

/**
 * Checks that the kernel can pin what is to be pinned: of each set of processors one has to be there.
 *
 * Touches: reads sysfs, for a domain that pins. Needs: nothing.
 */
export function checkPinning(host: Host, { vcpu, cputune }: Domain): readonly Finding[] {
  const pins = [
    ...(vcpu?.cpuset === undefined ? [] : [{ place: vcpu, cpuset: vcpu.cpuset }]),
    ...(cputune === undefined
      ? []
      : [...cputune.vcpupins, ...cputune.iothreadpins, cputune.emulatorpin ?? []]
          .flat()
          .map((pin) => ({ place: pin, cpuset: pin.cpuset }))),
  ];
  if (pins.length === 0) return [];
  const present = new Set(readCpuTopology(host).nodes.flatMap((node) => node.cpus.map(({ id }) => id)));
  if (present.size === 0) return []; // where sysfs does not tell, the kernel will
  return pins
    .filter(({ cpuset }) => !cpuset.some((cpu) => present.has(cpu)))
    .map(({ place, cpuset }) =>
      toFinding(invalid(place, `this host has none of the processors ${nodeSet.format(cpuset)}`)),
    );
}
