// SPDX-License-Identifier: Apache-2.0

/** `<seclabel>`: kept for libvirt's sake; a session has no security driver that would use it. */
import { attribute, type Infer, leaf, object } from "../xml/schema.ts";
import { oneOf, someText, yesNo } from "../xml/values.ts";

/** `<seclabel>` of a domain. */
export const securityLabel = object({
  type: attribute("type", oneOf("dynamic", "static", "none")),
  model: attribute("model", someText),
  relabel: attribute("relabel", yesNo),
  label: leaf("label", someText),
  imageLabel: leaf("imagelabel", someText),
  baseLabel: leaf("baselabel", someText),
});
export type SecurityLabel = Infer<typeof securityLabel>;

/** `<seclabel>` of a single disk or device. */
export const deviceLabel = object({
  model: attribute("model", someText),
  relabel: attribute("relabel", yesNo),
  labelskip: attribute("labelskip", yesNo),
  label: leaf("label", someText),
});
export type DeviceLabel = Infer<typeof deviceLabel>;
