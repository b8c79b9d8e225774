// SPDX-License-Identifier: Apache-2.0
import type { XmlOutput } from "../../xml/writer.ts";

/** An element with attributes and what is in it. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  children: readonly XmlOutput[] = [],
): XmlOutput {
  const given = Object.entries(attributes).map(
    ([key, value]) => [key, value === undefined ? undefined : String(value)] as const,
  );
  return { name, attributes: given, children };
}

/** An element with a text. */
export function textElement(name: string, text: string): XmlOutput {
  return { name, attributes: [], children: [], text };
}
