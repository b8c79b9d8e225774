// SPDX-License-Identifier: Apache-2.0
import { attribute, child, choice, content, type Infer, object, required } from "../../xml/schema.ts";
import { integer, oneOf, path } from "../../xml/values.ts";
import { characterDevice } from "./character-device.ts";
import { deviceInfo, virtioDriver, virtioModels } from "./device-info.ts";

const model = <const T extends string>(name: T) => ({ model: required(attribute("model", oneOf(name))) });

/** `<rng>`: feeds the guest with random numbers. */
export const rng = object({
  model: required(attribute("model", oneOf(...virtioModels))),
  rate: child(
    "rate",
    object({ bytes: required(attribute("bytes", integer(1))), periodMs: attribute("period", integer(1)) }),
  ),
  backend: required(
    child(
      "backend",
      choice("model", {
        random: object({ ...model("random"), path: content(path) }),
        builtin: object(model("builtin")),
        egd: characterDevice(model("egd"), {}, undefined, 1),
      }),
    ),
  ),
  driver: virtioDriver,
  ...deviceInfo,
});

export type Rng = Infer<typeof rng>;
