// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from "node:path";
import { readLinkName } from "../pci/sysfs.ts";
import type { CapabilityKind } from "./capability-kind.ts";
import type { UdevDevice } from "./udev-device.ts";
import { element, textElement } from "./xml-output.ts";

/** A mediated device. */
export interface MdevCapability {
  readonly type: "mdev";
  /** Which of its parent's types it is. */
  readonly typeId: string;
  readonly uuid: string;
  /** The parent's name in sysfs, such as `0000:00:02.0`. */
  readonly parentAddress: string;
  readonly iommuGroup: number;
}

/**
 * libvirt: `udevProcessMediatedDevice`, `virNodeDeviceCapMdevDefFormat`.
 * What mdevctl has defined (inactive devices, attributes) is not asked for.
 */
export const mdevKind: CapabilityKind<MdevCapability> = {
  isListed: (device) => linkName(device, "mdev_type") !== undefined && linkName(device, "iommu_group") !== undefined,
  nameEnd: parentAddressOf,
  read: (device) => ({
    type: "mdev",
    typeId: linkName(device, "mdev_type") ?? "",
    uuid: device.sysname,
    parentAddress: parentAddressOf(device),
    iommuGroup: Number(linkName(device, "iommu_group") ?? 0),
  }),
  format: ({ typeId, uuid, parentAddress, iommuGroup }) => [
    element("type", { id: typeId }),
    ...textElement("uuid", uuid),
    ...textElement("parent_addr", parentAddress),
    element("iommuGroup", { number: String(iommuGroup) }),
  ],
};

function parentAddressOf({ path }: UdevDevice): string {
  return basename(dirname(path));
}

function linkName({ host, path }: UdevDevice, name: string): string | undefined {
  return readLinkName(host, `${path}/${name}`);
}
