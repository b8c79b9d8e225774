// SPDX-License-Identifier: Apache-2.0

import type { Image } from "../image/image.ts";
import { makeDisks } from "./backing-files.ts";
import { disksOf, topologyArgs } from "./device-args.ts";
import { writeInitrd } from "./initrd.ts";
import { Machine } from "./machine.ts";
import { type PlacedDevice, placeDevices } from "./placement.ts";
import { baseArgs, type MachinePaths, type MachineSize } from "./qemu-command.ts";
import type { Topology } from "./topology.ts";

/** Everything that makes one machine different from another. */
export interface MachinePlan {
  readonly image: Image;
  readonly paths: MachinePaths;
  readonly size: MachineSize;
  readonly topology: Topology;
  /** Added to the kernel's command line. */
  readonly kernelArgs: string;
}

/**
 * Boots a machine and waits until systemd and udev have settled.
 *
 * @param devices the ones to boot with; default: all of the topology's.
 * @throws {LabError} as {@link Machine.start}; the machine is off then.
 */
export async function bootMachine(
  plan: MachinePlan,
  devices: readonly PlacedDevice[] = placeDevices(plan.topology),
): Promise<Machine> {
  const { image, paths } = plan;
  await makeDisks(paths.directory, disksOf(devices));
  await writeInitrd(image, paths.initrd);
  const machine = await Machine.start(image, paths, machineArgs(plan, devices));
  // `running` and `degraded` are both fine here; a scenario that cares asks.
  await machine.channel.run("root", "systemctl is-system-running --wait; udevadm settle", { timeoutMs: 300_000 });
  return machine;
}

/** QEMU's whole command line but the program. Pure. */
export function machineArgs(plan: MachinePlan, devices: readonly PlacedDevice[]): readonly string[] {
  const { image, paths, size, kernelArgs, topology } = plan;
  return [...baseArgs(image, paths, size, kernelArgs), ...topologyArgs(topology, devices, paths.directory)];
}
