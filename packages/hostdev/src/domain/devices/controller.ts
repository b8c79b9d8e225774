// SPDX-License-Identifier: Apache-2.0

/** `<controller>`: what other devices are plugged into. */
import {
  attribute,
  child,
  childAttribute,
  type Fields,
  type Infer,
  leaf,
  list,
  object,
  required,
  variants,
} from "../../xml/schema.ts";
import { size } from "../../xml/sizes.ts";
import { cNumber, integer, oneOf, onOff } from "../../xml/values.ts";
import { deviceInfo, virtioDriver, virtioOptions } from "./device-info.ts";

/** The kinds of PCI buses. */
export const pciControllerModels = [
  "pci-root",
  "pcie-root",
  "pci-bridge",
  "dmi-to-pci-bridge",
  "pcie-to-pci-bridge",
  "pcie-root-port",
  "pcie-switch-upstream-port",
  "pcie-switch-downstream-port",
  "pci-expander-bus",
  "pcie-expander-bus",
] as const;
export type PciControllerModel = (typeof pciControllerModels)[number];

/** The kinds of USB controllers; `none` switches USB off. */
export const usbControllerModels = [
  "none",
  "piix3-uhci",
  "piix4-uhci",
  "ehci",
  "ich9-ehci1",
  "ich9-uhci1",
  "ich9-uhci2",
  "ich9-uhci3",
  "vt82c686b-uhci",
  "pci-ohci",
  "nec-xhci",
  "qemu-xhci",
] as const;
export type UsbControllerModel = (typeof usbControllerModels)[number];

/** The kinds of SCSI controllers; `auto` is as if nothing was said. */
export const scsiControllerModels = [
  "auto",
  "lsilogic",
  "lsisas1068",
  "lsisas1078",
  "vmpvscsi",
  "am53c974",
  "dc390",
  "virtio-scsi",
  "virtio-transitional",
  "virtio-non-transitional",
] as const;
export type ScsiControllerModel = (typeof scsiControllerModels)[number];

/** Names of the QEMU devices behind PCI controllers. */
export const pciControllerNames = [
  "pci-bridge",
  "i82801b11-bridge",
  "ioh3420",
  "pcie-root-port",
  "x3130-upstream",
  "xio3130-downstream",
  "pxb",
  "pxb-pcie",
  "pcie-pci-bridge",
] as const;

const index = attribute("index", integer(0, 0x7fffffff));
const one = { index, ...deviceInfo } satisfies Fields;

const scsiDriver = child(
  "driver",
  object({
    queues: attribute("queues", integer(1, 65535)),
    cmdPerLun: attribute("cmd_per_lun", integer(1)),
    maxSectors: attribute("max_sectors", integer(1)),
    ioeventfd: attribute("ioeventfd", onOff),
    iothread: attribute("iothread", integer(1)),
    ...virtioOptions,
    iothreads: child(
      "iothreads",
      object({
        list: list(
          "iothread",
          object({
            id: required(attribute("id", integer(1))),
            queues: list("queue", object({ id: required(attribute("id", integer(0))) })),
          }),
        ),
      }),
    ),
  }),
);

/** `<controller>`. */
export const controller = variants("type", {
  pci: {
    index,
    model: attribute("model", oneOf(...pciControllerModels)),
    name: childAttribute("model", "name", oneOf(...pciControllerNames)),
    target: child(
      "target",
      object({
        chassisNr: attribute("chassisNr", integer(1, 255)),
        chassis: attribute("chassis", integer(0, 255)),
        port: attribute("port", cNumber(0, 255, 1)),
        busNr: attribute("busNr", integer(1, 254)),
        hotplug: attribute("hotplug", onOff),
        memReserveKiB: attribute("memReserve", integer(1)),
        node: leaf("node", integer(0)),
      }),
    ),
    pciHole64KiB: child("pcihole64", size()),
    ...deviceInfo,
  },
  usb: {
    index,
    model: attribute("model", oneOf(...usbControllerModels)),
    ports: attribute("ports", integer(1, 65535)),
    alias: deviceInfo.alias,
    masterStartPort: childAttribute("master", "startport", integer(0, 255)),
    acpiIndex: deviceInfo.acpiIndex,
    address: deviceInfo.address,
  },
  ide: one,
  fdc: one,
  sata: one,
  ccid: one,
  scsi: { index, model: attribute("model", oneOf(...scsiControllerModels)), driver: scsiDriver, ...deviceInfo },
  "virtio-serial": {
    index,
    model: attribute("model", oneOf("virtio", "virtio-transitional", "virtio-non-transitional")),
    ports: attribute("ports", integer(1, 65535)),
    vectors: attribute("vectors", integer(0, 65535)),
    driver: virtioDriver,
    ...deviceInfo,
  },
});

export type Controller = Infer<typeof controller>;
export type ControllerType = Controller["type"];
export type ControllerOf<T extends ControllerType> = Extract<Controller, { type: T }>;
export type PciController = ControllerOf<"pci">;
export type IothreadMapping = NonNullable<NonNullable<ControllerOf<"scsi">["driver"]>["iothreads"]>;
