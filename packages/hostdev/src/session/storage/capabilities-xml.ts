// SPDX-License-Identifier: Apache-2.0
import { writeXml } from "../../xml/writer.ts";
import { element, textElement } from "../machine/xml-elements.ts";
import { madeFormats } from "./volume-xml.ts";

/** The types of pools that libvirt knows beside folders. */
const otherTypes = ["fs", "netfs", "logical", "disk", "iscsi", "iscsi-direct", "scsi", "mpath", "rbd", "sheepdog"];
const newerTypes = ["gluster", "zfs", "vstorage"];

/** `<storagepoolCapabilities>`: folders, and the formats of images that are made in them. Pure. */
export function storagePoolCapabilities(): string {
  const formats = madeFormats.map((format) => textElement("value", format));
  const options = element("volOptions", {}, [
    element("defaultFormat", { type: "raw" }),
    element("enum", { name: "targetFormatType" }, formats),
  ]);
  return writeXml(
    element("storagepoolCapabilities", {}, [
      element("pool", { type: "dir", supported: "yes" }, [options]),
      ...[...otherTypes, ...newerTypes].map((type) => element("pool", { type, supported: "no" })),
    ]),
  );
}
