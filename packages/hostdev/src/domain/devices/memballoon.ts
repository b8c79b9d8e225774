// SPDX-License-Identifier: Apache-2.0
import { attribute, childAttribute, type Infer, object, required } from "../../xml/schema.ts";
import { integer, oneOf, onOff } from "../../xml/values.ts";
import { deviceInfo, virtioDriver, virtioModels } from "./device-info.ts";

/** `<memballoon>`: lets the host take memory back from the guest. */
export const memballoon = object({
  model: required(attribute("model", oneOf(...virtioModels, "none"))),
  autodeflate: attribute("autodeflate", onOff),
  freePageReporting: attribute("freePageReporting", onOff),
  /** How often statistics are read, in seconds; asked for at run time. */
  statsPeriodSeconds: childAttribute("stats", "period", integer(0)),
  driver: virtioDriver,
  ...deviceInfo,
});

export type Memballoon = Infer<typeof memballoon>;
