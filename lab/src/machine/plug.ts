// SPDX-License-Identifier: Apache-2.0

import { makeDisks } from "./backing-files.ts";
import { describeDevice, disksOf } from "./device-args.ts";
import type { Machine } from "./machine.ts";
import type { PlacedDevice } from "./placement.ts";

/** Ends when the kernel has found all `count` functions, a driver has taken each that there is one for, and the disks are there. */
const waitScript = (count: number, disks: number) => `
  until [ $(ls /sys/bus/pci/devices | wc -l) -ge ${count} ]; do sleep 0.05; done
  udevadm settle
  until [ $(ls -d /sys/block/nvme* 2> /dev/null | wc -l) -ge ${disks} ]; do sleep 0.05; done
  udevadm settle`;

/**
 * Plugs devices into free slots of a running machine, one after the other, and waits until the kernel uses each.
 *
 * Touches: the disk files of the devices in `directory`, which are made if missing.
 *
 * @throws {LabError} when QEMU refuses, or when the kernel doesn't find a device within a minute.
 */
export async function plugDevices(
  machine: Machine,
  devices: readonly PlacedDevice[],
  directory: string,
): Promise<void> {
  await makeDisks(directory, disksOf(devices));
  const before = await machine.channel.run("root", "ls /sys/bus/pci/devices | wc -l; ls -d /sys/block/nvme* | wc -l");
  let [functions = 0, disks = 0] = before.stdout.split("\n").map(Number);
  for (const placed of devices) {
    const { device, blockdev, netdev } = describeDevice(placed, directory);
    if (blockdev !== undefined) await machine.qmp.execute("blockdev-add", blockdev);
    if (netdev !== undefined) await machine.qmp.execute("netdev_add", netdev);
    await machine.qmp.execute("device_add", device);
    functions += 1;
    if (placed.driver === "nvme") disks += 1;
    // Functions above 0 show up only when function 0 has come.
    if (/\.[1-7]$/.test(placed.addr)) continue;
    await machine.channel.run("root", waitScript(functions, disks), { check: true });
  }
}
