// SPDX-License-Identifier: Apache-2.0
import { originOfElement, unsupported } from "./complaint.ts";
import type { XmlElement } from "./reader.ts";
import type { Schema } from "./schema.ts";
import type { XmlOutput } from "./writer.ts";

/** An element kept as it is, whatever is in it, to be written back. */
export const raw: Schema<XmlOutput> = {
  read: (element, parentPath) => toOutput(element, new Map(), parentPath),
  write: (value, name) => ({ ...value, name }),
};

/** The same element for writing; prefixes that were declared further out are declared again, so that it stands alone. */
function toOutput(element: XmlElement, declared: ReadonlyMap<string, string>, path: string): XmlOutput {
  const known = new Map(declared);
  for (const { name, value } of element.attributes) {
    if (name === "xmlns") known.set("", value);
    else if (name.startsWith("xmlns:")) known.set(name.slice(6), value);
  }
  const missing: [string, string][] = [];
  const prefix = element.name.includes(":") ? element.name.slice(0, element.name.indexOf(":")) : "";
  if ((known.get(prefix) ?? "") !== element.uri) {
    known.set(prefix, element.uri);
    missing.push([prefix === "" ? "xmlns" : `xmlns:${prefix}`, element.uri]);
  }
  const attributes = [...missing, ...element.attributes.map(({ name, value }) => [name, value] as const)];
  const children = element.children.map((child) => toOutput(child, known, `${path}/${element.name}`));
  const text = element.text.trim() === "" ? undefined : element.text;
  if (text !== undefined && children.length > 0) {
    throw unsupported(
      originOfElement(element, path),
      "text beside elements is not kept",
      "text, or elements, in each element",
    );
  }
  return { name: element.name, attributes, children, text };
}
