// SPDX-License-Identifier: Apache-2.0
import type { XmlOutput } from "../xml/writer.ts";
import { inKernelOrder } from "./kernel-order.ts";
import type { UdevDevice } from "./udev-device.ts";
import { capabilityElement, element, textElement } from "./xml-output.ts";

/** Where a parent of mediated devices lists what it can make. */
export const mdevTypesFolder = "mdev_supported_types";

/** A type of mediated devices that a function can make. */
export interface MdevType {
  readonly id: string;
  /** Most drivers give none. */
  readonly name: string | undefined;
  readonly deviceApi: string;
  /** How many more can be made now. */
  readonly availableInstances: number;
}

/** Reads a function's types, in the kernel's order (libvirt: `virMediatedDeviceTypeReadAttrs`). */
export function readMdevTypes(device: UdevDevice): readonly MdevType[] {
  if (!device.has(mdevTypesFolder)) return [];
  const ids = inKernelOrder(device.host.list(`${device.path}/${mdevTypesFolder}`) ?? []);
  return ids.map((id) => ({
    id,
    name: device.attribute(`${mdevTypesFolder}/${id}/name`),
    deviceApi: device.attribute(`${mdevTypesFolder}/${id}/device_api`) ?? "",
    availableInstances: device.number(`${mdevTypesFolder}/${id}/available_instances`) ?? 0,
  }));
}

/** libvirt: `virNodeDeviceCapMdevTypesFormat`. Pure. */
export function formatMdevTypes(types: readonly MdevType[]): readonly XmlOutput[] {
  if (types.length === 0) return [];
  const children = types.map(({ id, name, deviceApi, availableInstances }) =>
    element("type", { id }, [
      ...textElement("name", name),
      ...textElement("deviceAPI", deviceApi),
      ...textElement("availableInstances", availableInstances),
    ]),
  );
  return [capabilityElement("mdev_types", children)];
}
