// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from "node:util";
import { unsupported } from "../../xml/complaint.ts";

/**
 * Sees to it that nothing else is to change of a device than what can: a part that the XML does not name stays as it is.
 *
 * @param place the XML's element, for the complaint.
 * @param changeable the parts that may differ.
 * @param supported what can be changed, in words.
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED`, naming the part.
 */
export function assertSame(
  place: object,
  wanted: object,
  present: object,
  changeable: readonly string[],
  supported: string,
): void {
  for (const [key, value] of Object.entries(wanted)) {
    const isNamed = value !== undefined && !(Array.isArray(value) && value.length === 0);
    if (!isNamed || changeable.includes(key)) continue;
    if (isDeepStrictEqual(plain(value), plain((present as Record<string, unknown>)[key]))) continue;
    throw unsupported(place, `its ${key} cannot be changed while the guest runs`, supported);
  }
}

/** Without where in the XML it stood, and whichever way its letters are written. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_, part) => (typeof part === "string" ? part.toLowerCase() : part));
  return text === undefined ? undefined : JSON.parse(text);
}
