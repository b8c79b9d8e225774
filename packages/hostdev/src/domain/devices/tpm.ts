// SPDX-License-Identifier: Apache-2.0
import { attribute, child, flag, type Infer, object, required, variants } from "../../xml/schema.ts";
import { integer, oneOf, path, uuid, yesNo } from "../../xml/values.ts";
import { deviceInfo } from "./device-info.ts";

/** `<tpm>`: a trusted platform module, emulated by swtpm or passed through. */
export const tpm = object({
  model: attribute("model", oneOf("tpm-tis", "tpm-crb")),
  backend: required(
    child(
      "backend",
      variants("type", {
        passthrough: { device: child("device", object({ path: required(attribute("path", path)) })) },
        emulator: {
          version: attribute("version", oneOf("1.2", "2.0")),
          persistentState: attribute("persistent_state", yesNo),
          debug: attribute("debug", integer(0)),
          encryption: child("encryption", object({ secret: required(attribute("secret", uuid)) })),
          activePcrBanks: child(
            "active_pcr_banks",
            object({ sha1: flag("sha1"), sha256: flag("sha256"), sha384: flag("sha384"), sha512: flag("sha512") }),
          ),
          source: child(
            "source",
            object({
              type: required(attribute("type", oneOf("file", "dir"))),
              path: required(attribute("path", path)),
            }),
          ),
        },
        external: {
          source: required(
            child(
              "source",
              object({
                type: required(attribute("type", oneOf("unix"))),
                mode: attribute("mode", oneOf("connect")),
                path: required(attribute("path", path)),
              }),
            ),
          ),
        },
      }),
    ),
  ),
  ...deviceInfo,
});

export type Tpm = Infer<typeof tpm>;
