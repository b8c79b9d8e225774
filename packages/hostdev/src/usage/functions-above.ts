// SPDX-License-Identifier: Apache-2.0

const address = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;

/**
 * The PCI functions that a device hangs below, outermost first: bridges, controllers that have a PCI domain of their
 * own behind them (Intel VMD), and last the one that drives it. All of them must stay for the device to stay. Pure.
 *
 * @param devicePath place below `/sys/devices`; a USB disk has its USB controller in it, a SATA disk its AHCI one.
 */
export function functionsAbove(devicePath: string): readonly string[] {
  return devicePath.split("/").filter((part) => address.test(part));
}
