// SPDX-License-Identifier: Apache-2.0
import { type Finding, note, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { readInterruptRemapping } from "../vfio/interrupt-remapping.ts";
import { findArgument, readKernelArguments } from "../vfio/kernel-arguments.ts";
import { type ModuleOption, readModuleOptions, readModuleSwitch } from "../vfio/module-options.ts";
import { problem } from "./problem.ts";

/** A parameter of a module that gives up what keeps users apart. */
interface UnsafeParameter {
  readonly module: string;
  readonly parameter: string;
  readonly effect: string;
}

const interrupts = "a guest can send any interrupt to the host";
const parameters: readonly UnsafeParameter[] = [
  { module: "vfio_iommu_type1", parameter: "allow_unsafe_interrupts", effect: interrupts },
  { module: "iommufd", parameter: "allow_unsafe_interrupts", effect: interrupts },
  {
    module: "vfio",
    parameter: "enable_unsafe_noiommu_mode",
    effect: "devices can be lent without an IOMMU, and then reach all of the host's memory",
  },
  {
    module: "vfio_pci",
    parameter: "disable_denylist",
    effect: "devices can be lent that the kernel knows to be unsafe in users' hands",
  },
];

/**
 * Checks for the switches that guides on the web teach, and that on a machine with several users undo the isolation.
 *
 * Touches: reads `/sys/module`, modprobe.d, `/proc/cmdline`. Needs: nothing.
 */
export function checkUnsafeSwitches(host: Host): readonly Finding[] {
  const options = readModuleOptions(host);
  const words = readKernelArguments(host);
  const found = parameters.flatMap((parameter) => checkParameter(host, parameter, options));
  const acs = words.find((word) => word.startsWith("pcie_acs_override="));
  if (acs !== undefined) {
    const text = `${acs} is set: the kernel believes that devices are apart which can reach each other`;
    found.push(problem("failure", "HD_UNSAFE_SWITCH", text, { switch: acs }));
  }
  if (found.length === 0) found.push(ok("No switch is set that undoes the isolation"));
  const passthrough = findArgument(words, "iommu", "pt") ?? findArgument(words, "iommu.passthrough", "1");
  if (passthrough === undefined) return found;
  return [
    ...found,
    note(`${passthrough} is set: it spares the host's own devices the IOMMU; lent ones are still behind it`),
  ];
}

function checkParameter(host: Host, wanted: UnsafeParameter, options: readonly ModuleOption[]): readonly Finding[] {
  const { module, parameter, effect } = wanted;
  const name = `${module}.${parameter}`;
  const { isOn, source } = readModuleSwitch(host, module, parameter, options);
  if (!isOn) return [];
  const state = source === null ? "is set" : `will be set when the module is loaded (${source})`;
  // Where interrupts are remapped the kernel does not look at this switch.
  const isIdle = parameter === "allow_unsafe_interrupts" && readInterruptRemapping(host).state === "on";
  const text = `${name} ${state}: ${isIdle ? "without effect here, as interrupts are remapped" : effect}`;
  return [problem(isIdle ? "warning" : "failure", "HD_UNSAFE_SWITCH", text, { switch: parameter })];
}
