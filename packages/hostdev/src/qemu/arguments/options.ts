// SPDX-License-Identifier: Apache-2.0

/** How arguments are spelled: JSON where QEMU takes it, `key=value` with doubled commas elsewhere. */
import type { Domain } from "../../domain/domain.ts";
import type { QemuEnvironment } from "../environment.ts";

/** What every builder works from. */
export interface Build {
  readonly domain: Domain;
  readonly environment: QemuEnvironment;
  /** Sets of passed file descriptors are numbered over the whole command line. */
  readonly fdSets: { next: number };
}

/** A value in a JSON argument; `bigint` is for numbers beyond 2^53. */
export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly Json[]
  | { readonly [key: string]: Json };
export type Properties = { readonly [key: string]: Json };

/** JSON on one line; members that are `undefined` are left out. No value can end the argument early. */
export function json(value: Json): string {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map((item: Json) => json(item)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${json(member)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

/** A value inside `key=value` options: commas are doubled, or they would start the next option. */
export function escaped(value: string): string {
  return value.replaceAll(",", ",,");
}

/** `first,key=value,...`; what is `undefined` is left out, booleans are on and off. */
export function keyValues(
  first: string,
  options: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const parts = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "boolean" ? (value ? "on" : "off") : escaped(String(value))}`);
  return [first, ...parts].join(",");
}

/** `-object`. */
export function objectArgument(properties: Properties): string[] {
  return ["-object", json(properties)];
}

/** `-device`, with the changes that `<qemu:override>` makes to it. */
export function deviceArgument({ domain }: Build, properties: Properties): string[] {
  const override = domain.qemuOverride?.devices.find((device) => device.alias === properties["id"]);
  if (override === undefined) return ["-device", json(properties)];
  const changed: Record<string, Json> = { ...properties };
  for (const { name, type, value = "" } of override.frontend?.properties ?? []) {
    if (type === "remove") delete changed[name];
    else if (type === "bool") changed[name] = value === "true";
    else changed[name] = type === "string" ? value : BigInt(value);
  }
  return ["-device", json(changed)];
}
