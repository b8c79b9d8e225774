// SPDX-License-Identifier: Apache-2.0

/** An element to be written. Attributes whose value is `undefined` are left out. */
export interface XmlOutput {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string | undefined])[];
  readonly children: readonly XmlOutput[];
  readonly text?: string | undefined;
}

/**
 * Writes an element and all below it the way libvirt does: two spaces of indentation, single quotes, empty elements
 * closed at once. Reading the result gives the same tree.
 */
export function writeXml(element: XmlOutput, indent = ""): string {
  const attributes = element.attributes
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}='${escapeXml(value ?? "")}'`)
    .join("");
  const start = `${indent}<${element.name}${attributes}`;
  if (element.children.length > 0) {
    const children = element.children.map((child) => writeXml(child, `${indent}  `)).join("");
    return `${start}>\n${children}${indent}</${element.name}>\n`;
  }
  if (element.text !== undefined && element.text !== "")
    return `${start}>${escapeXml(element.text)}</${element.name}>\n`;
  return `${start}/>\n`;
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&apos;",
  '"': "&quot;",
  "\n": "&#10;",
  "\r": "&#13;",
  "\t": "&#9;",
};

/** Makes a text safe inside an attribute or element; line ends and tabs too, since readers would normalise them. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>'"\n\r\t]/g, (character) => escapes[character] ?? character);
}
