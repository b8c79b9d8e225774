// SPDX-License-Identifier: Apache-2.0

/** The parts that elements are described by: attributes, texts, children, and what is done when they are absent. */
import { invalid, type Origin, unsupported } from "./complaint.ts";
import { Cursor } from "./cursor.ts";
import type { Field, Schema } from "./schema.ts";
import type { Value } from "./values.ts";

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

/** Takes a field and forgets it: what means nothing here, is ignored by libvirt too, and is written by its clients. */
export function meaningless<T>(field: Field<T>): Field<undefined, true> {
  return {
    what: field.what,
    optional: true,
    read: (cursor) => {
      field.read(cursor);
      return undefined;
    },
    write: () => {},
  };
}

/** An element in which nothing is left counts as absent. */
export function unlessEmpty<T extends object>(field: Field<T>): Field<T, true> {
  return {
    ...field,
    optional: true,
    read: (cursor) => {
      const value = field.read(cursor);
      return value === undefined || Object.values(value).every((part) => part === undefined) ? undefined : value;
    },
  };
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
    write: (value, name) => ({ name, attributes: [[attributeName, kind.format(value)]], children: [] }),
  };
}

function parseValue<T>(kind: Value<T>, text: string, what: string, place: Origin): T {
  const value = kind.parse(text);
  if (value !== undefined) return value;
  const problem = `${what}${JSON.stringify(text)} is not ${kind.malformed ? kind.expected : "supported"}`;
  throw kind.malformed ? invalid(place, problem) : unsupported(place, problem, kind.expected);
}
