// SPDX-License-Identifier: Apache-2.0

/** Devices of a few lines each: watchdog, panic, vsock, shared memory, vIOMMU, hub, USB redirection. */
import { attribute, child, type Infer, list, object, required, variants } from "../../xml/schema.ts";
import { size } from "../../xml/sizes.ts";
import { integer, matching, oneOf, onOff, path, yesNo } from "../../xml/values.ts";
import { characterDevice } from "./character-device.ts";
import { bootableInfo, deviceInfo, virtioDriver, virtioModels } from "./device-info.ts";

/** `<watchdog>`. */
export const watchdog = object({
  model: required(attribute("model", oneOf("i6300esb", "ib700", "itco"))),
  action: attribute("action", oneOf("reset", "shutdown", "poweroff", "pause", "none", "dump", "inject-nmi")),
  ...deviceInfo,
});
export type Watchdog = Infer<typeof watchdog>;

/** `<panic>`: how the guest tells that it crashed. */
export const panic = object({ model: attribute("model", oneOf("isa", "hyperv", "pvpanic")), ...deviceInfo });
export type Panic = Infer<typeof panic>;

/** `<vsock>`: sockets between host and guest. */
export const vsock = object({
  model: attribute("model", oneOf(...virtioModels)),
  cid: child("cid", object({ auto: attribute("auto", yesNo), address: attribute("address", integer(3, 0xfffffffe)) })),
  driver: virtioDriver,
  ...deviceInfo,
});
export type Vsock = Infer<typeof vsock>;

/** `<shmem>`: memory shared with other guests or programs. */
export const shmem = object({
  name: required(attribute("name", matching(/^[^/]{1,200}$/, "a name without '/'"))),
  role: attribute("role", oneOf("master", "peer")),
  modelType: child("model", object({ type: required(attribute("type", oneOf("ivshmem-plain", "ivshmem-doorbell"))) })),
  sizeKiB: child("size", size("bytes")),
  server: child("server", object({ path: attribute("path", path) })),
  msi: child(
    "msi",
    object({
      enabled: attribute("enabled", oneOf("yes")),
      vectors: attribute("vectors", integer(1, 2048)),
      ioeventfd: attribute("ioeventfd", onOff),
    }),
  ),
  ...deviceInfo,
});
export type Shmem = Infer<typeof shmem>;

/** `<iommu>`: an IOMMU in the guest. */
export const iommu = variants("model", {
  intel: {
    driver: child(
      "driver",
      object({
        intremap: attribute("intremap", onOff),
        cachingMode: attribute("caching_mode", onOff),
        eim: attribute("eim", onOff),
        iotlb: attribute("iotlb", onOff),
        awBits: attribute("aw_bits", integer(1, 64)),
        dmaTranslation: attribute("dma_translation", onOff),
      }),
    ),
    ...deviceInfo,
  },
  virtio: deviceInfo,
});
export type Iommu = Infer<typeof iommu>;

/** `<hub>`: a USB hub. */
export const hub = variants("type", { usb: deviceInfo });
export type Hub = Infer<typeof hub>;

/** `<redirdev>`: a USB device that the viewer of the screen plugs in. */
export const redirdev = characterDevice({ bus: attribute("bus", oneOf("usb")) }, bootableInfo);
export type Redirdev = Infer<typeof redirdev>;

const usbId = (name: string) => attribute(name, matching(/^(-1|0x[0-9a-fA-F]{1,4})$/, "-1 or a hexadecimal number"));

/** `<redirfilter>`: which USB devices a viewer may plug in. */
export const redirfilter = object({
  rules: list(
    "usbdev",
    object({
      class: usbId("class"),
      vendor: usbId("vendor"),
      product: usbId("product"),
      version: attribute("version", matching(/^(-1|\d{1,2}\.\d{1,2})$/, "-1 or a version such as 1.10")),
      allow: required(attribute("allow", yesNo)),
    }),
  ),
});
export type Redirfilter = Infer<typeof redirfilter>;
