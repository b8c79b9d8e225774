// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { at, type XmlElement, type XmlPosition } from "./reader.ts";

/** Where a value of a model came from. */
export interface Origin {
  /** Names from the root down, such as `domain/devices/disk`. */
  readonly path: string;
  readonly position: XmlPosition;
}

// A hidden property: a WeakMap with thousands of entries makes every garbage collection slow.
const originKey = Symbol("origin");

/** Remembers where an object of a model was read. The model itself stays plain data. */
export function rememberOrigin(object: object, origin: Origin): void {
  Object.defineProperty(object, originKey, { value: origin });
}

/** Where an object of a model was read; `undefined` when it was made by the program. */
export function originOf(object: object): Origin | undefined {
  return (object as { [originKey]?: Origin })[originKey];
}

/**
 * The error for something that is well-formed but wrong. Give what stands there and why it cannot be.
 *
 * @param place an object of the model, or an origin.
 */
export function invalid(place: object | Origin, problem: string): HostdevError<"HD_DOMAIN_INVALID"> {
  const { path, position } = placeOf(place);
  return new HostdevError("HD_DOMAIN_INVALID", `Cannot use ${where(path, position)}: ${problem}`, {
    ...position,
    element: path,
  });
}

/**
 * The error for something that exists in libvirt's XML, or might, but not here.
 *
 * @param place an object of the model, or an origin.
 * @param supported what can be written instead.
 */
export function unsupported(
  place: object | Origin,
  problem: string,
  supported: string,
): HostdevError<"HD_DOMAIN_UNSUPPORTED"> {
  const { path, position } = placeOf(place);
  return new HostdevError("HD_DOMAIN_UNSUPPORTED", `Cannot use ${where(path, position)}: ${problem}`, {
    ...position,
    element: path,
    supported,
  });
}

/** The origin of an element of a document. */
export function originOfElement(element: XmlElement, parentPath: string): Origin {
  return { path: parentPath === "" ? element.name : `${parentPath}/${element.name}`, position: element.position };
}

function placeOf(place: object | Origin): { path: string; position: XmlPosition | Record<string, never> } {
  if ("path" in place && "position" in place) return place as Origin;
  return originOf(place) ?? { path: "domain", position: {} };
}

function where(path: string, position: XmlPosition | Record<string, never>): string {
  const element = `<${path.slice(path.lastIndexOf("/") + 1)}>`;
  return "line" in position ? `${element} at ${at(position as XmlPosition)}` : element;
}
