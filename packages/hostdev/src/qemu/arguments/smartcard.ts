// SPDX-License-Identifier: Apache-2.0

import { findController } from "../../domain/controllers.ts";
import type { CharacterSource } from "../../domain/devices/character-device.ts";
import type { Smartcard } from "../../domain/devices/smartcard.ts";
import { invalid } from "../../xml/complaint.ts";
import { chardevArguments } from "./character-device.ts";
import { type Build, deviceArgument, type Properties } from "./options.ts";

/** Smart cards. */
export function smartcardArguments(build: Build, card: Smartcard): string[] {
  const alias = card.alias ?? "smartcard0";
  const place = card.address?.type === "ccid" ? card.address : { controller: 0, slot: 0 };
  const reader = findController(build.domain, "ccid", place.controller)?.alias ?? `ccid${place.controller}`;
  const end: Properties = { id: alias, bus: `${reader}.${place.slot}` };
  if (card.mode === "host")
    return deviceArgument(build, { driver: "ccid-card-emulated", backend: "nss-emulated", ...end });
  if (card.mode === "passthrough") {
    return [
      ...chardevArguments(build, card as CharacterSource, alias),
      ...deviceArgument(build, { driver: "ccid-card-passthru", chardev: `char${alias}`, ...end }),
    ];
  }
  const [cert1, cert2, cert3, more] = card.certificates;
  if (cert3 === undefined || more !== undefined) throw invalid(card, "it takes three certificates");
  return deviceArgument(build, {
    driver: "ccid-card-emulated",
    backend: "certificates",
    cert1,
    cert2,
    cert3,
    db: card.database ?? "/etc/pki/nssdb",
    ...end,
  });
}
