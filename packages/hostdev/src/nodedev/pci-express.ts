// SPDX-License-Identifier: Apache-2.0
import type { ConfigSpace } from "../pci/config-space.ts";
import { decodeExpress } from "../pci/express.ts";
import type { XmlOutput } from "../xml/writer.ts";
import type { UdevDevice } from "./udev-device.ts";
import { element } from "./xml-output.ts";

/** A speed in GT/s, `null` when unknown, and a number of lanes, 0 when unknown. */
interface Link {
  readonly speedGTs: number | null;
  readonly width: number;
}

/** A PCI Express function's link: what it is capable of, and its state. */
export interface PciExpress {
  /** `null` for what sits in the root complex. `port` is in config space only, which is root's. */
  readonly link: { readonly port: number | null; readonly max: Link; readonly current: Link } | null;
}

/** Reads it from config space (libvirt: `virPCIDeviceGetLinkCapSta`), or where that is not for us, from sysfs's files. */
export function readExpress(device: UdevDevice, config: ConfigSpace | undefined): PciExpress | null {
  return config?.complete ? fromConfigSpace(config) : fromFiles(device);
}

function fromConfigSpace(config: ConfigSpace): PciExpress | null {
  const express = decodeExpress(config);
  if (express?.link == null) return express && { link: null };
  const { port, max, current } = express.link;
  return { link: { port, max: { ...max, width: max.width ?? 0 }, current: { ...current, width: current.width ?? 0 } } };
}

/** The kernel makes these files for PCI Express functions only, with "Unknown" and 0 where there is no link. */
function fromFiles(device: UdevDevice): PciExpress | null {
  if (device.attribute("max_link_speed") === undefined) return null;
  const [max, current] = [readLink(device, "max"), readLink(device, "current")];
  const hasLink = [max, current].some(({ speedGTs, width }) => speedGTs !== null || width > 0);
  return { link: hasLink ? { port: null, max, current } : null };
}

function readLink(device: UdevDevice, which: "max" | "current"): Link {
  const speedGTs = Number.parseFloat(device.attribute(`${which}_link_speed`) ?? "");
  return { speedGTs: Number.isNaN(speedGTs) ? null : speedGTs, width: device.number(`${which}_link_width`) ?? 0 };
}

/** libvirt: `virPCIEDeviceInfoFormat`. Pure. */
export function formatExpress({ link }: PciExpress): XmlOutput {
  if (link === null) return element("pci-express");
  const { port, max, current } = link;
  return element("pci-express", {}, [
    element("link", { validity: "cap", port: port === null ? undefined : String(port), ...attributesOf(max) }),
    element("link", { validity: "sta", ...attributesOf(current) }),
  ]);
}

function attributesOf({ speedGTs, width }: Link) {
  return { speed: speedGTs === null ? undefined : String(speedGTs), width: String(width) };
}
