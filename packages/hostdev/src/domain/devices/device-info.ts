// SPDX-License-Identifier: Apache-2.0
import { attribute, child, childAttribute, type Fields, object, required, type Shape } from "../../xml/schema.ts";
import { anyText, integer, matching, onOff, yesNo } from "../../xml/values.ts";
import { address } from "./address.ts";

const aliasName = matching(/^[A-Za-z0-9_.-]{1,64}$/, "letters, digits, '_', '-' and '.'");

const boot = child("boot", object({ order: required(attribute("order", integer(1, 0x7fffffff))) }));
const alias = childAttribute("alias", "name", aliasName);
const acpiIndex = childAttribute("acpi", "index", integer(1, 16383));
const at = child("address", address);
const rom = child(
  "rom",
  object({ enabled: attribute("enabled", yesNo), bar: attribute("bar", onOff), file: attribute("file", anyText) }),
);

/** What every device may have; comes last inside its element, as libvirt writes it. */
export const deviceInfo = { alias, acpiIndex, address: at } satisfies Fields;

/** The same for devices that a guest can boot from. */
export const bootableInfo = { boot, ...deviceInfo } satisfies Fields;

/** The same for network cards and host devices, which may have an option ROM. */
export const romInfo = { boot, alias, rom, acpiIndex, address: at } satisfies Fields;

/** What all devices have in common, whatever else they may have. */
export type DeviceInfo = Shape<typeof deviceInfo>;
export type RomInfo = Shape<typeof romInfo>;

/** The options that all virtio devices share, on their `<driver>`. */
export const virtioOptions = {
  iommu: attribute("iommu", onOff),
  ats: attribute("ats", onOff),
  packed: attribute("packed", onOff),
  pagePerVq: attribute("page_per_vq", onOff),
} satisfies Fields;

export type VirtioOptions = Shape<typeof virtioOptions>;

/** `<driver>` of a virtio device that has nothing but the shared options. */
export const virtioDriver = child("driver", object(virtioOptions));

/** The three flavours of a virtio device; transitional ones are conventional PCI. */
export const virtioModels = ["virtio", "virtio-transitional", "virtio-non-transitional"] as const;
export type VirtioModel = (typeof virtioModels)[number];
