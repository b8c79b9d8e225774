// SPDX-License-Identifier: Apache-2.0

/**
 * Reads XML into a small tree that knows where everything stood.
 *
 * The input comes from users, so it is bounded before it is understood: size, depth, number of elements, length of
 * names and values. Document type declarations are refused altogether, and with them entities.
 */
import { SaxesParser } from "saxes";
import { HostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";

/** A place in a document: where a tag starts or an attribute ends. Lines and columns count from 1. */
export interface XmlPosition {
  readonly file?: string;
  readonly line: number;
  readonly column: number;
}

/** One attribute; `name` carries the prefix it was written with. */
export interface XmlAttribute {
  readonly name: string;
  readonly value: string;
  readonly position: XmlPosition;
}

/** One element with everything below it. */
export interface XmlElement {
  /** As written, with its prefix. */
  readonly name: string;
  readonly localName: string;
  /** The namespace; empty when it has none. */
  readonly uri: string;
  /** Declarations of namespaces (`xmlns...`) are among them. */
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** The text directly inside, without that of the children. */
  readonly text: string;
  readonly position: XmlPosition;
}

/** What a document may have at most; generous for any real VM. */
export const xmlLimits = {
  characters: 4 * MiB,
  depth: 64,
  elements: 10_000,
  attributesPerElement: 64,
  valueCharacters: 64 * 1024,
} as const;

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
  text: string;
}

/**
 * Reads a document.
 *
 * @param source.file name of the file, for error positions only.
 * @returns the root element.
 * @throws {HostdevError} `HD_XML_SYNTAX` when it is not well-formed or has a document type; `HD_XML_LIMIT` when it
 * is larger than `xmlLimits`.
 */
export function readXml(text: string, source: { readonly file?: string } = {}): XmlElement {
  if (text.length > xmlLimits.characters) {
    const position = { ...source, line: 1, column: 1 };
    throw limitError(position, `a document has at most ${xmlLimits.characters} characters, this has ${text.length}`);
  }
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  const here = (): XmlPosition => ({ ...source, line: parser.line, column: parser.column + 1 });
  const attributePositions = new Map<string, XmlPosition>();
  let tagStart = here();

  parser.on("error", (error) => {
    throw new HostdevError("HD_XML_SYNTAX", `Cannot read XML at ${at(here())}: ${plain(error.message)}`, here());
  });
  parser.on("doctype", () => {
    throw new HostdevError(
      "HD_XML_SYNTAX",
      `Cannot read XML at ${at(here())}: a document type declaration (<!DOCTYPE>) is not accepted`,
      here(),
    );
  });
  parser.on("opentagstart", ({ name }) => {
    attributePositions.clear();
    // The parser stands behind the character after the name, which may have been the end of the line.
    const column = parser.column - name.length - 1;
    tagStart = column > 0 ? { ...here(), column } : { ...here(), line: parser.line - 1, column: 1 };
    elements += 1;
    if (elements > xmlLimits.elements)
      throw limitError(here(), `a document has at most ${xmlLimits.elements} elements`);
    if (open.length >= xmlLimits.depth) throw limitError(here(), `elements nest at most ${xmlLimits.depth} deep`);
  });
  parser.on("attribute", (attribute) => {
    attributePositions.set(attribute.name, here());
    if (attributePositions.size > xmlLimits.attributesPerElement) {
      throw limitError(here(), `an element has at most ${xmlLimits.attributesPerElement} attributes`);
    }
    if (attribute.value.length > xmlLimits.valueCharacters) {
      throw limitError(here(), `a value has at most ${xmlLimits.valueCharacters} characters`);
    }
  });
  parser.on("opentag", (tag) => {
    const position = tagStart;
    const element: OpenElement = {
      name: tag.name,
      localName: tag.local,
      uri: tag.uri,
      attributes: Object.values(tag.attributes).map(({ name, value }) => ({
        name,
        value,
        position: attributePositions.get(name) ?? position,
      })),
      children: [],
      text: "",
      position,
    };
    open.at(-1)?.children.push(element);
    open.push(element);
    root ??= element;
  });
  const addText = (characters: string) => {
    const element = open.at(-1);
    if (element === undefined) return;
    element.text += characters;
    if (element.text.length > xmlLimits.valueCharacters) {
      throw limitError(here(), `a text has at most ${xmlLimits.valueCharacters} characters`);
    }
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => {
    open.pop();
  });

  parser.write(text).close();
  if (root === undefined) {
    throw new HostdevError("HD_XML_SYNTAX", "Cannot read XML: the document has no element", here());
  }
  return root;
}

/** Writes a position as `file:line:column`, or `line 3, column 7` when there is no file. */
export function at(position: XmlPosition): string {
  const { file, line, column } = position;
  return file === undefined ? `line ${line}, column ${column}` : `${file}:${line}:${column}`;
}

function limitError(position: XmlPosition, limit: string): HostdevError {
  return new HostdevError("HD_XML_LIMIT", `Cannot read XML at ${at(position)}: ${limit}`, { ...position, limit });
}

/** The parser's message without the position that it puts in front and the period that it puts behind. */
function plain(message: string): string {
  return message.replace(/^\d+:\d+: /, "").replace(/\.$/, "");
}
