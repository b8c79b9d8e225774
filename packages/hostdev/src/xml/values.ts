// SPDX-License-Identifier: Apache-2.0

/** How one kind of value is written in attributes and texts. */
export interface Value<T> {
  /** What is accepted, for error messages: `yes or no`. */
  readonly expected: string;
  /** `false`: an unknown value is one that we lack (a name from a list), not one that is malformed. */
  readonly malformed: boolean;
  /** `undefined` when the text is not such a value. */
  parse(text: string): T | undefined;
  format(value: T): string;
}

function value<T>(expected: string, parse: (text: string) => T | undefined, format: (value: T) => string): Value<T> {
  return { expected, malformed: true, parse, format };
}

/** Any text. */
export const anyText: Value<string> = value(
  "a text",
  (text) => text,
  (text) => text,
);

/** Any text but none. */
export const someText: Value<string> = value(
  "a text that is not empty",
  (text) => (text === "" ? undefined : text),
  (text) => text,
);

/** A path that starts with a slash. */
export const path: Value<string> = value(
  "an absolute path",
  (text) => (text.startsWith("/") ? text : undefined),
  (text) => text,
);

/** One of a list of names; a name outside it is reported as unsupported rather than wrong. */
export function oneOf<const T extends string>(...names: readonly T[]): Value<T> {
  return {
    expected: listOf(names),
    malformed: false,
    parse: (text) => names.find((name) => name === text),
    format: (name) => name,
  };
}

/** `yes` and `no`. */
export const yesNo: Value<boolean> = switchOf("yes", "no");

/** `on` and `off`. */
export const onOff: Value<boolean> = switchOf("on", "off");

/** A boolean with words of its own. */
export function switchOf(yes: string, no: string): Value<boolean> {
  return value(
    `${yes} or ${no}`,
    (text) => (text === yes ? true : text === no ? false : undefined),
    (is) => (is ? yes : no),
  );
}

/** A whole number, decimal. */
export function integer(min = 0, max = Number.MAX_SAFE_INTEGER): Value<number> {
  const upTo = max === Number.MAX_SAFE_INTEGER ? ` from ${min}` : ` from ${min} to ${max}`;
  return value(
    `a whole number${upTo}`,
    (text) => inRange(/^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : Number.NaN, min, max),
    String,
  );
}

/**
 * A whole number in C's notation (`0x1f`, `31`, `037`), written back as hexadecimal with this many digits.
 * Zero digits: written as decimal.
 */
export function cNumber(min: number, max: number, digits: number): Value<number> {
  return value(
    `a number from 0x${min.toString(16)} to 0x${max.toString(16)}`,
    (text) => inRange(parseCNumber(text.trim()), min, max),
    (number) => (digits === 0 ? String(number) : `0x${number.toString(16).padStart(digits, "0")}`),
  );
}

/** A number that may have decimals. */
export const decimal: Value<string> = value(
  "a number",
  (text) => (/^\d+(\.\d+)?$/.test(text.trim()) ? text.trim() : undefined),
  (text) => text,
);

/** A UUID with or without dashes, written back in the usual form. */
export const uuid: Value<string> = value(
  "a UUID such as 61288c03-0b0d-4f1e-9496-0f0256f2e013",
  (text) => {
    const digits = text.trim().replaceAll("-", "").toLowerCase();
    if (!/^[0-9a-f]{32}$/.test(digits)) return undefined;
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  },
  (text) => text,
);

/** A MAC address. */
export const macAddress: Value<string> = value(
  "a MAC address such as 52:54:00:12:34:56",
  (text) => (/^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/i.test(text) ? text.toLowerCase() : undefined),
  (text) => text,
);

/** A text that matches a pattern; `expected` says in words what that is. */
export function matching(pattern: RegExp, expected: string): Value<string> {
  return value(
    expected,
    (text) => (pattern.test(text) ? text : undefined),
    (text) => text,
  );
}

/** `a, b or c`. */
export function listOf(names: readonly string[]): string {
  const last = names.at(-1) ?? "nothing";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} or ${last}`;
}

function inRange(number: number, min: number, max: number): number | undefined {
  return Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined;
}

function parseCNumber(text: string): number {
  if (/^0x[0-9a-f]+$/i.test(text)) return Number.parseInt(text, 16);
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^(0|[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
}
