// SPDX-License-Identifier: Apache-2.0
import type { VitalProductData } from "../pci/vital-product-data.ts";
import type { XmlOutput } from "../xml/writer.ts";
import { capabilityElement, element, textElement } from "./xml-output.ts";

/** Keywords with elements of their own. */
const readOnlyNames = { EC: "change_level", MN: "manufacture_id", PN: "part_number", SN: "serial_number" } as const;

/** libvirt: `virNodeDeviceCapVPDFormat`. Pure. */
export function formatVitalProductData({ name, readOnly, readWrite }: VitalProductData): XmlOutput {
  const named = Object.entries(readOnlyNames).flatMap(([keyword, tag]) => textElement(tag, readOnly[keyword]));
  return capabilityElement("vpd", [
    ...textElement("name", name),
    ...fields("readonly", [...named, ...indexed("vendor_field", /^V(.)$/, readOnly)]),
    ...fields("readwrite", [
      ...textElement("asset_tag", readWrite["YA"]),
      ...indexed("vendor_field", /^V(.)$/, readWrite),
      ...indexed("system_field", /^Y([^A])$/, readWrite),
    ]),
  ]);
}

function fields(access: string, children: readonly XmlOutput[]): readonly XmlOutput[] {
  return children.length === 0 ? [] : [element("fields", { access }, children)];
}

function indexed(name: string, keyword: RegExp, data: Readonly<Record<string, string>>): readonly XmlOutput[] {
  return Object.entries(data).flatMap(([key, text]) => {
    const index = keyword.exec(key)?.[1];
    return index === undefined ? [] : [{ name, attributes: [["index", index]], children: [], text }];
  });
}
