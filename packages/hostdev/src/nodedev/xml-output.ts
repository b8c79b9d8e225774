// SPDX-License-Identifier: Apache-2.0
import type { XmlOutput } from "../xml/writer.ts";

/** An element with attributes and what is in it. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly XmlOutput[] = [],
): XmlOutput {
  return { name, attributes: Object.entries(attributes), children };
}

/** An element with a text; none when there is no text. */
export function textElement(name: string, text: string | number | bigint | null | undefined): readonly XmlOutput[] {
  return text === undefined || text === null ? [] : [{ name, attributes: [], children: [], text: String(text) }];
}

/** A `<capability>` of a device, or inside one. */
export function capabilityElement(type: string, children: readonly XmlOutput[] = []): XmlOutput {
  return element("capability", { type }, children);
}

/** A product or vendor: its id, and its name if it has one. */
export function idElement(name: "product" | "vendor", id: number, text: string | null): XmlOutput {
  return { name, attributes: [["id", hex(id, 4)]], children: [], text: text ?? undefined };
}

/** `0x` and at least so many digits. */
export function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}
