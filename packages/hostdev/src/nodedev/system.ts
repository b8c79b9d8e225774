// SPDX-License-Identifier: Apache-2.0
import type { CapabilityKind } from "./capability-kind.ts";
import type { UdevDevice } from "./udev-device.ts";
import { readFile } from "./udev-record.ts";
import { element, textElement } from "./xml-output.ts";

/** Where the firmware's description of the machine is. */
export const dmiPath = "/sys/devices/virtual/dmi/id";

/** The machine itself, `computer`. */
export interface SystemCapability {
  readonly type: "system";
  readonly product: string | undefined;
  readonly hardware: {
    readonly vendor: string | undefined;
    readonly version: string | undefined;
    /** Root's to read. */
    readonly serial: string | undefined;
    readonly uuid: string;
  };
  readonly firmware: {
    readonly vendor: string | undefined;
    readonly version: string | undefined;
    readonly releaseDate: string | undefined;
  };
}

/** libvirt: `udevGetDMIData`, `virNodeDeviceCapSystemDefFormat`. */
export const systemKind: CapabilityKind<SystemCapability> = {
  read: (dmi) => ({
    type: "system",
    product: dmi.attribute("product_name"),
    hardware: {
      vendor: dmi.attribute("sys_vendor"),
      version: dmi.attribute("product_version"),
      serial: dmi.attribute("product_serial"),
      uuid: readUuid(dmi),
    },
    firmware: {
      vendor: dmi.attribute("bios_vendor"),
      version: dmi.attribute("bios_version"),
      releaseDate: dmi.attribute("bios_date"),
    },
  }),
  format: ({ product, hardware, firmware }) => [
    ...textElement("product", product),
    element("hardware", {}, [
      ...textElement("vendor", hardware.vendor),
      ...textElement("version", hardware.version),
      ...textElement("serial", hardware.serial),
      ...textElement("uuid", hardware.uuid),
    ]),
    element("firmware", {}, [
      ...textElement("vendor", firmware.vendor),
      ...textElement("version", firmware.version),
      ...textElement("release_date", firmware.releaseDate),
    ]),
  ],
};

/**
 * The firmware's UUID, which is root's to read and on some boards all the same digit. libvirt makes up another one at
 * each start of its daemon then; we take the system's own id, as libvirt does when told `host_uuid_source = "machine-id"`.
 */
function readUuid(dmi: UdevDevice): string {
  const uuid = dmi.attribute("product_uuid")?.toLowerCase();
  if (uuid !== undefined && !/^([0-9a-f])\1*$/.test(uuid.replaceAll("-", ""))) return uuid;
  const machineId = readFile(dmi.host, "/etc/machine-id")?.trim() ?? "";
  const digits = /^[0-9a-f]{32}$/.test(machineId) ? machineId : "0".repeat(32);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
