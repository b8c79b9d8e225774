// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import { protocolError } from "./protocol-error.ts";
import type { XdrReader } from "./xdr-reader.ts";
import type { XdrWriter } from "./xdr-writer.ts";

/** How a type is written and read. Types are declared by combining codecs; TypeScript infers them. */
export interface Codec<T> {
  readonly write: (writer: XdrWriter, value: T) => void;
  /** @throws {HostdevError} `HD_RPC_PROTOCOL`. */
  readonly read: (reader: XdrReader) => T;
}

/** The type of the values of a codec. */
export type Infer<C> = C extends Codec<infer T> ? T : never;

/** `int`, also for `short`, `enum`. */
export const i32: Codec<number> = { write: (writer, value) => writer.i32(value), read: (reader) => reader.i32() };
/** `unsigned int`. */
export const u32: Codec<number> = { write: (writer, value) => writer.u32(value), read: (reader) => reader.u32() };
/** `hyper`. */
export const i64: Codec<bigint> = { write: (writer, value) => writer.i64(value), read: (reader) => reader.i64() };
/** `unsigned hyper`. */
export const u64: Codec<bigint> = { write: (writer, value) => writer.u64(value), read: (reader) => reader.u64() };
/** `double`. */
export const double: Codec<number> = {
  write: (writer, value) => writer.double(value),
  read: (reader) => reader.double(),
};
/** An `int` that is a truth value; anything but 0 is true. */
export const flag: Codec<boolean> = {
  write: (writer, value) => writer.i32(value ? 1 : 0),
  read: (reader) => reader.i32() !== 0,
};
/** No bytes at all. */
export const nothing: Codec<void> = { write: () => {}, read: () => {} };

/**
 * `string<max>`, as UTF-8. Bytes that are none become U+FFFD, which no name has; NUL, where C would stop reading, is
 * refused.
 */
export function text(maxBytes: number): Codec<string> {
  return {
    write: (writer, value) => {
      const bytes = Buffer.byteLength(value, "utf8");
      if (bytes > maxBytes) throw protocolError(`a text of ${bytes} bytes, at most ${maxBytes} are allowed`);
      writer.u32(bytes);
      writer.utf8(value, bytes);
    },
    read: (reader) => {
      const bytes = reader.fixed(reader.length(maxBytes));
      if (bytes.includes(0)) throw protocolError("a text with a NUL in it");
      return bytes.toString("utf8");
    },
  };
}

/** `opaque<max>`. */
export function opaque(maxBytes: number): Codec<Uint8Array> {
  return {
    write: (writer, value) => {
      if (value.length > maxBytes) throw protocolError(`${value.length} bytes, at most ${maxBytes} are allowed`);
      writer.u32(value.length);
      writer.fixed(value);
    },
    read: (reader) => Buffer.from(reader.fixed(reader.length(maxBytes))),
  };
}

/** `opaque[length]`. */
export function fixedOpaque(length: number): Codec<Uint8Array> {
  return {
    write: (writer, value) => {
      if (value.length !== length) throw protocolError(`${value.length} bytes where ${length} belong`);
      writer.fixed(value);
    },
    read: (reader) => Buffer.from(reader.fixed(length)),
  };
}

/** `T *`: there or not. */
export function optional<T>(codec: Codec<T>): Codec<T | null> {
  return {
    write: (writer, value) => {
      writer.u32(value === null ? 0 : 1);
      if (value !== null) codec.write(writer, value);
    },
    read: (reader) => (reader.length(1) === 0 ? null : codec.read(reader)),
  };
}

/** `T<max>`. Every element has at least four bytes, so a length that lies is found before it costs anything. */
export function list<T>(codec: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    write: (writer, values) => {
      if (values.length > max) throw protocolError(`${values.length} elements, at most ${max} are allowed`);
      writer.u32(values.length);
      for (const value of values) codec.write(writer, value);
    },
    read: (reader) => {
      const length = reader.length(max);
      if (4 * length > reader.left) throw protocolError(`${length} elements in ${reader.left} bytes`);
      return Array.from({ length }, () => codec.read(reader));
    },
  };
}

type Fields = Readonly<Record<string, Codec<never> | Codec<unknown>>>;
type Struct<F> = { readonly [K in keyof F]: Infer<F[K]> };

/** `struct`: the fields in the order in which they are given. */
export function struct<const F extends Readonly<Record<string, unknown>>>(fields: F): Codec<Struct<F>> {
  const entries = Object.entries(fields as unknown as Fields) as [string, Codec<unknown>][];
  return {
    write: (writer, value) => {
      for (const [name, codec] of entries) codec.write(writer, (value as Record<string, unknown>)[name]);
    },
    read: (reader) => {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(reader);
      return value as Struct<F>;
    },
  };
}

type Arm = readonly [type: string, codec: unknown];
type Tagged<A extends Arm> = A extends readonly [infer N, infer C]
  ? { readonly type: N; readonly value: Infer<C> }
  : never;

/** `union switch (int)`: by number, the name of the arm and what it holds. */
export function union<const A extends Readonly<Record<number, Arm>>>(arms: A): Codec<Tagged<A[keyof A & number]>> {
  const byNumber = new Map(Object.entries(arms).map(([number, arm]) => [Number(number), arm as Arm]));
  const byType = new Map([...byNumber].map(([number, [type]]) => [type, number]));
  const codecOf = (number: number) => byNumber.get(number)?.[1] as Codec<unknown>;
  return {
    write: (writer, tagged) => {
      const { type, value } = tagged as { readonly type: string; readonly value: unknown };
      const number = byType.get(type);
      if (number === undefined) throw protocolError(`a value of the unknown type ${type}`);
      writer.i32(number);
      codecOf(number).write(writer, value);
    },
    read: (reader) => {
      const number = reader.i32();
      const arm = byNumber.get(number);
      if (arm === undefined) throw protocolError(`a value of the unknown type ${number}`);
      return { type: arm[0], value: codecOf(number).read(reader) } as Tagged<A[keyof A & number]>;
    },
  };
}

/** `char name[length]`: XDR gives each character four bytes. The rest is filled with NUL. */
export function fixedChars(length: number): Codec<string> {
  return {
    write: (writer, value) => {
      const bytes = Buffer.from(value, "utf8").subarray(0, length - 1);
      for (let index = 0; index < length; index++) writer.i32(signed(bytes[index] ?? 0));
    },
    read: (reader) => readChars(reader, length),
  };
}

/** `char name<max>`, with the NUL at its end. */
export function chars(max: number): Codec<string> {
  return {
    write: (writer, value) => {
      const bytes = Buffer.from(`${value}\0`, "utf8");
      if (bytes.length > max) throw protocolError(`a text of ${bytes.length} bytes, at most ${max} are allowed`);
      writer.u32(bytes.length);
      for (const byte of bytes) writer.i32(signed(byte));
    },
    read: (reader) => readChars(reader, reader.length(max)),
  };
}

function readChars(reader: XdrReader, length: number): string {
  if (4 * length > reader.left) throw protocolError(`${length} characters in ${reader.left} bytes`);
  const bytes = Buffer.from(Array.from({ length }, () => reader.i32() & 0xff));
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? length : end);
}

/** A `char` is signed on the machines that made the protocol. */
function signed(byte: number): number {
  return byte > 127 ? byte - 256 : byte;
}
