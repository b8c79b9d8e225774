// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Domain } from "../domain/domain.ts";
import { raw } from "../xml/raw.ts";
import { readXml } from "../xml/reader.ts";
import { writeXml, type XmlOutput } from "../xml/writer.ts";
import type { MetadataKind } from "./session-api.ts";
import { noMetadata } from "./session-errors.ts";

/** libvirt's `virDomainMetadataType`. */
export const metadataNumber: Readonly<Record<MetadataKind, number>> = { description: 0, title: 1, element: 2 };

/** A domain's title, description, or an application's element of its metadata. @throws `HD_NO_METADATA`. */
export function readMetadata(domain: Domain, kind: MetadataKind, uri: string | undefined): string {
  if (kind === "element") {
    const element = domain.metadata?.children.find((child) => namespaceOf(child) === uri);
    if (element === undefined) throw noMetadata(domain.name, `metadata of ${uri}`);
    return writeXml(withoutNamespace(element)).trimEnd();
  }
  const text = domain[kind];
  if (text === undefined || text === "") throw noMetadata(domain.name, kind);
  return text;
}

/**
 * Changes it, in place; `undefined` removes.
 *
 * @param key the prefix that the element gets for `uri`.
 * @throws {HostdevError} `HD_INVALID_ARGUMENT`; `HD_XML_SYNTAX` for an element that is none.
 */
export function changeMetadata(
  domain: Domain,
  kind: MetadataKind,
  value: string | undefined,
  key: string | undefined,
  uri: string | undefined,
): void {
  if (kind === "title" && value?.includes("\n") === true)
    throw invalidArgument("title", value, "one line without a line end");
  if (kind !== "element") {
    if (value === undefined || value === "") delete domain[kind];
    else domain[kind] = value;
    return;
  }
  if (uri === undefined || uri === "") throw invalidArgument("uri", "", "the URI of the namespace");
  const others = domain.metadata?.children.filter((child) => namespaceOf(child) !== uri) ?? [];
  const added = value === undefined ? [] : [namespaced(value, key, uri)];
  const children = [...others, ...added];
  if (children.length === 0) delete domain.metadata;
  else domain.metadata = { name: "metadata", attributes: [], children };
}

function namespaced(xml: string, key: string | undefined, uri: string): XmlOutput {
  if (key === undefined || !/^[A-Za-z_][\w.-]*$/.test(key) || /^xml/i.test(key))
    throw invalidArgument("key", key ?? "", "a prefix such as app");
  const element = raw.read(readXml(xml), "metadata");
  if (element.name.includes(":")) throw invalidArgument("metadata", xml, "an element without a prefix");
  return {
    ...prefixed(element, key),
    attributes: [[`xmlns:${key}`, uri], ...element.attributes.filter(([name]) => name !== "xmlns")],
  };
}

/** The element and all below it that have no prefix of their own. */
function prefixed(element: XmlOutput, key: string): XmlOutput {
  const name = element.name.includes(":") ? element.name : `${key}:${element.name}`;
  return { ...element, name, children: element.children.map((child) => prefixed(child, key)) };
}

function namespaceOf({ name, attributes }: XmlOutput): string | undefined {
  const prefix = name.includes(":") ? `xmlns:${name.slice(0, name.indexOf(":"))}` : "xmlns";
  return attributes.find(([attribute]) => attribute === prefix)?.[1];
}

/** As libvirt gives it: the element as it was set. */
function withoutNamespace(element: XmlOutput): XmlOutput {
  const colon = element.name.indexOf(":");
  if (colon === -1) return element;
  const prefix = element.name.slice(0, colon + 1);
  const strip = (one: XmlOutput): XmlOutput => ({
    ...one,
    name: one.name.startsWith(prefix) ? one.name.slice(prefix.length) : one.name,
    attributes: one.attributes.filter(([name]) => name !== `xmlns:${prefix.slice(0, -1)}`),
    children: one.children.map(strip),
  });
  return strip(element);
}

function invalidArgument(argument: string, value: string, expected: string): HostdevError<"HD_INVALID_ARGUMENT"> {
  const message = `Cannot take ${JSON.stringify(value)} as ${argument} of metadata`;
  return new HostdevError("HD_INVALID_ARGUMENT", message, { argument, value, expected });
}
