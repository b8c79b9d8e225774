// SPDX-License-Identifier: Apache-2.0

/**
 * Describes an XML element once, for reading, writing and its TypeScript type.
 *
 * A schema lists fields in the order in which libvirt writes them. Reading takes each from a `Cursor`, which then
 * refuses what is left; writing goes through the same list. So what is read is what is written, and a new attribute
 * is one line.
 */
import { invalid, originOfElement, rememberOrigin, unsupported } from "./complaint.ts";
import { Cursor } from "./cursor.ts";
import type { XmlElement } from "./reader.ts";
import { listOf } from "./values.ts";
import type { XmlOutput } from "./writer.ts";

export {
  attribute,
  child,
  childAttribute,
  childAttributes,
  content,
  fallback,
  flag,
  implied,
  leaf,
  leaves,
  list,
  madeWhenAbsent,
  meaningless,
  required,
  unlessEmpty,
} from "./fields.ts";

/** Reads and writes one kind of element. */
export interface Schema<T> {
  read(element: XmlElement, parentPath: string): T;
  write(value: T, name: string): XmlOutput;
}

/** An element under construction. */
export interface OutputBuilder {
  readonly attributes: [string, string | undefined][];
  readonly children: XmlOutput[];
  text?: string;
}

/** One part of an element: an attribute, a child, several children, the text. */
export interface Field<T, Optional extends boolean = boolean> {
  /** In words, for `is missing`: `attribute 'type'`. */
  readonly what: string;
  readonly optional: Optional;
  read(cursor: Cursor): T | undefined;
  write(value: T, output: OutputBuilder): void;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
type OptionalName<F> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F];
/** The object that these fields make; what may be absent is optional. */
export type Shape<F extends Fields> = {
  -readonly [K in Exclude<keyof F, OptionalName<F>>]: ValueOf<F[K]>;
} & { -readonly [K in OptionalName<F>]?: ValueOf<F[K]> | undefined };
/** The type of what a schema reads. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** An element with these fields and nothing else. */
export function object<F extends Fields>(fields: F): Schema<Shape<F>> {
  return {
    read: (element, parentPath) => readFields(fields, new Cursor(element, parentPath)) as Shape<F>,
    write: (value, name) => writeFields(fields, value as Record<string, unknown>, name),
  };
}

type Variant<Tag extends string, C extends Readonly<Record<string, Fields>>> = {
  [K in keyof C & string]: { [T in Tag]: K } & Shape<C[K]>;
}[keyof C & string];

/**
 * An element whose fields depend on one attribute.
 *
 * @param tag the attribute, and the name of the field that tells the cases apart.
 * @param implied the case when the attribute is absent; without it the attribute is required.
 * @param attributesBefore how many attributes are written in front of it, to look like libvirt's.
 */
export function variants<const Tag extends string, const C extends Readonly<Record<string, Fields>>>(
  tag: Tag,
  cases: C,
  implied?: keyof C & string,
  attributesBefore = 0,
): Schema<Variant<Tag, C>> {
  const names = Object.keys(cases);
  return {
    read: (element, parentPath) => {
      const cursor = new Cursor(element, parentPath);
      const attribute = cursor.attribute(tag);
      const name = attribute?.value ?? implied;
      if (name === undefined) throw invalid(cursor.origin, `attribute '${tag}' is missing; it is ${listOf(names)}`);
      const fields = Object.hasOwn(cases, name) ? cases[name] : undefined;
      if (fields === undefined) {
        const place = { path: cursor.origin.path, position: attribute?.position ?? cursor.origin.position };
        throw unsupported(place, `${tag}=${JSON.stringify(name)} is not supported`, `${tag} ${listOf(names)}`);
      }
      return readFields(fields, cursor, { [tag]: name }) as Variant<Tag, C>;
    },
    write: (value, elementName) => {
      const { [tag]: name, ...rest } = value as Record<string, unknown>;
      const output = writeFields(cases[name as string] ?? {}, rest, elementName);
      if (name === "") return output;
      return { ...output, attributes: output.attributes.toSpliced(attributesBefore, 0, [tag, name as string]) };
    },
  };
}

/**
 * An element that is described by one of several schemas, by one attribute that each of them has as a field.
 * For elements whose cases have cases of their own.
 */
export function choice<const C extends Readonly<Record<string, Schema<unknown>>>>(
  tag: string,
  cases: C,
): Schema<{ [K in keyof C]: Infer<C[K]> }[keyof C]> {
  return {
    read: (element, parentPath) => {
      const given = element.attributes.find((candidate) => candidate.name === tag);
      const origin = originOfElement(element, parentPath);
      const names = Object.keys(cases);
      if (given === undefined) throw invalid(origin, `attribute '${tag}' is missing; it is ${listOf(names)}`);
      const schema = Object.hasOwn(cases, given.value) ? cases[given.value] : undefined;
      if (schema === undefined) {
        const place = { path: origin.path, position: given.position };
        throw unsupported(place, `${tag}=${JSON.stringify(given.value)} is not supported`, `${tag} ${listOf(names)}`);
      }
      return schema.read(element, parentPath) as { [K in keyof C]: Infer<C[K]> }[keyof C];
    },
    write: (value, name) => {
      const chosen = cases[(value as Record<string, string>)[tag] ?? ""];
      return chosen?.write(value, name) ?? { name, attributes: [], children: [] };
    },
  };
}

/** Lists of fields are made once and read for every element. */
const entries = new WeakMap<Fields, readonly (readonly [string, Field<unknown>])[]>();

function entriesOf(fields: Fields): readonly (readonly [string, Field<unknown>])[] {
  const known = entries.get(fields) ?? Object.entries(fields);
  entries.set(fields, known);
  return known;
}

function readFields(fields: Fields, cursor: Cursor, start: Record<string, unknown> = {}): Record<string, unknown> {
  const result = { ...start };
  for (const [key, field] of entriesOf(fields)) {
    const value = field.read(cursor);
    if (value !== undefined) result[key] = value;
  }
  cursor.finish();
  rememberOrigin(result, cursor.origin);
  return result;
}

function writeFields(fields: Fields, value: Record<string, unknown>, name: string): XmlOutput {
  const output: OutputBuilder = { attributes: [], children: [] };
  for (const [key, field] of Object.entries(fields)) {
    const part = value[key];
    if (part !== undefined) field.write(part, output);
  }
  return { name, ...output };
}
