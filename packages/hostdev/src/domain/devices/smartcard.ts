// SPDX-License-Identifier: Apache-2.0
import { attribute, choice, type Infer, leaf, leaves, object, required } from "../../xml/schema.ts";
import { oneOf, path, someText } from "../../xml/values.ts";
import { characterDevice } from "./character-device.ts";
import { deviceInfo } from "./device-info.ts";

const mode = <const T extends string>(name: T) => ({ mode: required(attribute("mode", oneOf(name))) });

/** `<smartcard>`: a card reader; passed-through cards come over a socket or from the viewer of the screen. */
export const smartcard = choice("mode", {
  host: object({ ...mode("host"), ...deviceInfo }),
  "host-certificates": object({
    ...mode("host-certificates"),
    certificates: leaves("certificate", someText),
    database: leaf("database", path),
    ...deviceInfo,
  }),
  passthrough: characterDevice(mode("passthrough"), deviceInfo, undefined, 1),
});

export type Smartcard = Infer<typeof smartcard>;
