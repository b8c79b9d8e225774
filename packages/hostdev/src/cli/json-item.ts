// SPDX-License-Identifier: Apache-2.0
import type { InventoryItem } from "./inventory.ts";

const hex = (value: number, width: number) => `0x${value.toString(16).padStart(width, "0")}`;

/** A function in the form that `--json` prints; documented in `docs/json.md`. */
export function toJsonItem(item: InventoryItem): object {
  const { function: device, names, verdict, verdictText, uses, nodeOwner } = item;
  return {
    address: device.address,
    vendorId: hex(device.vendorId, 4),
    deviceId: hex(device.deviceId, 4),
    subsystemVendorId: hex(device.subsystemVendorId, 4),
    subsystemDeviceId: hex(device.subsystemDeviceId, 4),
    classCode: hex(device.classCode, 6),
    names,
    driver: device.driver,
    group: device.group,
    numaNode: device.numaNode,
    hostNames: device.hostNames,
    isBridge: device.isBridge,
    isBootVga: device.isBootVga,
    physicalFunction: device.physicalFunction,
    nodeOwner,
    verdict: verdict.kind,
    verdictText,
    uses: uses.map(({ kind, path, text }) => ({ kind, path, text })),
  };
}
