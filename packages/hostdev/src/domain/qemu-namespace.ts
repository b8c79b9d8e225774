// SPDX-License-Identifier: Apache-2.0

/** The elements of libvirt's QEMU namespace: arguments and properties that the model does not know. */
import { attribute, child, childAttributes, type Infer, list, object, required } from "../xml/schema.ts";
import { anyText, oneOf, someText } from "../xml/values.ts";

/** `<qemu:commandline>`: more arguments and environment for QEMU, taken as they are. */
export const qemuCommandline = object({
  args: childAttributes("qemu:arg", "value", anyText),
  env: list("qemu:env", object({ name: required(attribute("name", someText)), value: attribute("value", anyText) })),
});

/** `<qemu:override>`: properties of single devices, by alias. */
export const qemuOverride = object({
  devices: list(
    "qemu:device",
    object({
      alias: required(attribute("alias", someText)),
      frontend: child(
        "qemu:frontend",
        object({
          properties: list(
            "qemu:property",
            object({
              name: required(attribute("name", someText)),
              type: required(attribute("type", oneOf("string", "signed", "unsigned", "bool", "remove"))),
              value: attribute("value", anyText),
            }),
          ),
        }),
      ),
    }),
  ),
});
export type QemuOverride = Infer<typeof qemuOverride>;

/** `<qemu:deprecation>`: what QEMU does when something deprecated is used. */
export const qemuDeprecation = object({
  behavior: required(attribute("behavior", oneOf("none", "omit", "reject", "crash"))),
});
