// SPDX-License-Identifier: Apache-2.0
import { invalid, type Origin, originOfElement, unsupported } from "./complaint.ts";
import type { XmlAttribute, XmlElement } from "./reader.ts";
import { listOf } from "./values.ts";

/** Prefixes under which namespaces are known here, whatever the document calls them. */
const prefixes: Readonly<Record<string, string>> = { "http://libvirt.org/schemas/domain/qemu/1.0": "qemu:" };

const nothing: readonly XmlElement[] = [];

/**
 * One element being taken apart. Whoever reads a part asks the cursor for it; `finish` refuses, by name and line,
 * what nobody asked for. So nothing can be dropped in silence, and the list of what is supported is what was asked.
 */
export class Cursor {
  readonly origin: Origin;
  readonly #element: XmlElement;
  readonly #attributes = new Map<string, XmlAttribute>();
  readonly #children = new Map<string, XmlElement[]>();
  // Lists, since most elements ask for many names and few ever tell them; doubles are left out in messages.
  readonly #askedAttributes: string[] = [];
  readonly #askedChildren: string[] = [];
  #askedText = false;

  constructor(element: XmlElement, parentPath = "") {
    this.#element = element;
    this.origin = originOfElement(element, parentPath);
    for (const attribute of element.attributes) {
      if (!/^xmlns(:|$)/.test(attribute.name)) this.#attributes.set(attribute.name, attribute);
    }
    for (const child of element.children) {
      const name = knownName(child);
      const same = this.#children.get(name);
      if (same === undefined) this.#children.set(name, [child]);
      else same.push(child);
    }
  }

  /** The attribute, taken. */
  attribute(name: string): XmlAttribute | undefined {
    this.#askedAttributes.push(name);
    const attribute = this.#attributes.get(name);
    if (attribute !== undefined) this.#attributes.delete(name);
    return attribute;
  }

  /** All children of that name, taken. */
  children(name: string): readonly XmlElement[] {
    this.#askedChildren.push(name);
    const children = this.#children.get(name);
    if (children === undefined) return nothing;
    this.#children.delete(name);
    return children;
  }

  /**
   * The only child of that name, taken.
   *
   * @throws {HostdevError} `HD_DOMAIN_INVALID` when there are several.
   */
  child(name: string): XmlElement | undefined {
    const found = this.children(name);
    const second = found[1];
    if (second !== undefined) {
      throw invalid(originOfElement(second, this.origin.path), "it is given twice where one is meant");
    }
    return found[0];
  }

  /** The text, taken. */
  text(): string {
    this.#askedText = true;
    return this.#element.text;
  }

  /**
   * Refuses what was not taken.
   *
   * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED`.
   */
  finish(): void {
    for (const attribute of this.#attributes.values()) {
      const place = { path: this.origin.path, position: attribute.position };
      throw unsupported(
        place,
        `attribute ${attribute.name}=${JSON.stringify(attribute.value)} is not supported here`,
        this.#askedAttributes.length === 0 ? "no attribute" : listOf([...new Set(this.#askedAttributes)]),
      );
    }
    for (const [child] of this.#children.values()) {
      if (child === undefined) continue;
      throw unsupported(
        originOfElement(child, this.origin.path),
        `this element is not supported inside <${this.#element.name}>`,
        this.#askedChildren.length === 0
          ? "no element inside it"
          : listOf([...new Set(this.#askedChildren)].map((name) => `<${name}>`)),
      );
    }
    if (!this.#askedText && this.#element.text.trim() !== "") {
      throw unsupported(
        this.origin,
        `the text ${JSON.stringify(this.#element.text.trim().slice(0, 40))} is not expected`,
        "no text",
      );
    }
  }
}

/** The name an element is asked for by: plain, with a known prefix, or one that nobody asks for. */
function knownName(element: XmlElement): string {
  if (element.uri === "") return element.localName;
  const prefix = prefixes[element.uri];
  return prefix === undefined ? `{${element.uri}}${element.localName}` : prefix + element.localName;
}
