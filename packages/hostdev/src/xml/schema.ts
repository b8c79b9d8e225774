// SPDX-License-Identifier: Apache-2.0

/**
 * Describes an XML element once, for reading, writing and its TypeScript type.
 *
 * A schema lists fields in the order in which libvirt writes them. Reading takes each from a `Cursor`, which then
 * refuses what is left; writing goes through the same list. So what is read is what is written, and a new attribute
 * is one line.
 */
import { invalid, type Origin, originOf, originOfElement, rememberOrigin, unsupported } from "./complaint.ts";
import { Cursor } from "./cursor.ts";
import type { XmlElement } from "./reader.ts";
import { listOf, type Value } from "./values.ts";
import type { XmlOutput } from "./writer.ts";

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

/** An attribute that may be absent. */
export function attribute<T>(name: string, kind: Value<T>): Field<T, true> {
  return {
    what: `attribute '${name}'`,
    optional: true,
    read: (cursor) => {
      const found = cursor.attribute(name);
      if (found === undefined) return undefined;
      return parseValue(kind, found.value, `attribute ${name}=`, {
        path: cursor.origin.path,
        position: found.position,
      });
    },
    write: (value, output) => output.attributes.push([name, kind.format(value)]),
  };
}

/** The text of the element itself; absent when it is empty. */
export function content<T>(kind: Value<T>): Field<T, true> {
  return {
    what: "the text",
    optional: true,
    read: (cursor) => {
      const text = cursor.text().trim();
      return text === "" ? undefined : parseValue(kind, text, "the text ", cursor.origin);
    },
    write: (value, output) => {
      output.text = kind.format(value);
    },
  };
}

/** A child element that may be absent. */
export function child<T>(name: string, schema: Schema<T>): Field<T, true> {
  return {
    what: `element <${name}>`,
    optional: true,
    read: (cursor) => {
      const found = cursor.child(name);
      return found === undefined ? undefined : schema.read(found, cursor.origin.path);
    },
    write: (value, output) => output.children.push(schema.write(value, name)),
  };
}

/** All children of one name, in their order. */
export function list<T>(name: string, schema: Schema<T>): Field<T[], false> {
  return {
    what: `element <${name}>`,
    optional: false,
    read: (cursor) => cursor.children(name).map((element) => schema.read(element, cursor.origin.path)),
    write: (values, output) => output.children.push(...values.map((value) => schema.write(value, name))),
  };
}

/** A child element that is there or not, with nothing in it. */
export function flag(name: string): Field<boolean, false> {
  return {
    what: `element <${name}>`,
    optional: false,
    read: (cursor) => {
      const found = cursor.child(name);
      if (found !== undefined) new Cursor(found, cursor.origin.path).finish();
      return found !== undefined;
    },
    write: (is, output) => {
      if (is) output.children.push({ name, attributes: [], children: [] });
    },
  };
}

/** A child element with one text in it: `<name>guest</name>`. */
export function leaf<T>(name: string, kind: Value<T>): Field<T, true> {
  return child(name, leafSchema(kind));
}

/** All children of one name, each with one text in it. */
export function leaves<T>(name: string, kind: Value<T>): Field<T[], false> {
  return list(name, leafSchema(kind));
}

/** A child element with one attribute in it: `<boot order='1'/>`. */
export function childAttribute<T>(name: string, attributeName: string, kind: Value<T>): Field<T, true> {
  return child(name, attributeSchema(attributeName, kind));
}

/** All children of one name, each with one attribute in it: `<boot dev='hd'/>`. */
export function childAttributes<T>(name: string, attributeName: string, kind: Value<T>): Field<T[], false> {
  return list(name, attributeSchema(attributeName, kind));
}

/** Makes a field required. */
export function required<T>(field: Field<T>): Field<T, false> {
  return {
    ...field,
    optional: false,
    read: (cursor) => {
      const value = field.read(cursor);
      if (value === undefined) throw invalid(cursor.origin, `${field.what} is missing`);
      return value;
    },
  };
}

/** Gives a field a value when it is absent; it is always written. */
export function fallback<T>(field: Field<T>, value: NoInfer<T>): Field<T, false> {
  return { ...field, optional: false, read: (cursor) => field.read(cursor) ?? value };
}

/** Gives a field a new object when it is absent. */
export function madeWhenAbsent<T extends object>(field: Field<T>, make: () => NoInfer<T>): Field<T, false> {
  return { ...field, optional: false, read: (cursor) => field.read(cursor) ?? make() };
}

/** Gives a field a value when it is absent; it is written only when it differs. */
export function implied<T>(field: Field<T>, usual: NoInfer<T>): Field<T, false> {
  return {
    ...fallback(field, usual),
    write: (value, output) => {
      if (value !== usual) field.write(value, output);
    },
  };
}

/** Writes a whole document with this schema. */
export function writeWith<T>(schema: Schema<T>, value: T, name: string): XmlOutput {
  return schema.write(value, name);
}

/** A copy that remembers the same origin. */
export function copyOf<T extends object>(value: T, changes: Partial<T> = {}): T {
  const copy = { ...value, ...changes };
  const origin = originOf(value);
  if (origin !== undefined) rememberOrigin(copy, origin);
  return copy;
}

function leafSchema<T>(kind: Value<T>): Schema<T> {
  return {
    read: (element, parentPath) => {
      const cursor = new Cursor(element, parentPath);
      const value = parseValue(kind, cursor.text().trim(), "the text ", cursor.origin);
      cursor.finish();
      return value;
    },
    write: (value, name) => ({ name, attributes: [], children: [], text: kind.format(value) }),
  };
}

function attributeSchema<T>(attributeName: string, kind: Value<T>): Schema<T> {
  const only = { value: required(attribute(attributeName, kind)) };
  return {
    read: (element, parentPath) => {
      const cursor = new Cursor(element, parentPath);
      const value = only.value.read(cursor) as T;
      cursor.finish();
      return value;
    },
    write: (value, name) => writeFields(only, { value }, name),
  };
}

function readFields(fields: Fields, cursor: Cursor, start: Record<string, unknown> = {}): Record<string, unknown> {
  const result = { ...start };
  for (const [key, field] of Object.entries(fields)) {
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

function parseValue<T>(kind: Value<T>, text: string, what: string, place: Origin): T {
  const value = kind.parse(text);
  if (value !== undefined) return value;
  const problem = `${what}${JSON.stringify(text)} is not ${kind.malformed ? kind.expected : "supported"}`;
  throw kind.malformed ? invalid(place, problem) : unsupported(place, problem, kind.expected);
}
