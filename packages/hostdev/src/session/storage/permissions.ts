// SPDX-License-Identifier: Apache-2.0
import { child, leaf, object } from "../../xml/schema.ts";
import { anyText, integer, type Value } from "../../xml/values.ts";
import type { XmlOutput } from "../../xml/writer.ts";
import { element, textElement } from "../machine/xml-elements.ts";

const octal: Value<number> = {
  expected: "an octal number such as 0644",
  malformed: true,
  parse: (text) => (/^0?[0-7]{1,4}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  format: (mode) => mode.toString(8).padStart(4, "0"),
};

/** `<permissions>` of a folder or file. Owner and label are read, and stay what the kernel makes of them. */
export const permissions = child(
  "permissions",
  object({
    mode: leaf("mode", octal),
    owner: leaf("owner", integer(-1)),
    group: leaf("group", integer(-1)),
    label: leaf("label", anyText),
  }),
);

/** The same for writing: what is known of them. Pure. */
export function permissionsElement(rights: {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
}): XmlOutput {
  const { mode, uid, gid } = rights;
  return element("permissions", {}, [
    textElement("mode", octal.format(mode)),
    ...(uid === undefined ? [] : [textElement("owner", String(uid))]),
    ...(gid === undefined ? [] : [textElement("group", String(gid))]),
  ]);
}
