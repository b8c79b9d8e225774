// SPDX-License-Identifier: Apache-2.0
import { invalid, unsupported } from "../../xml/complaint.ts";
import type { Domain } from "../domain.ts";
import { switchState } from "../features.ts";
import { chipsetOf } from "../machine.ts";

/** Rules about `<loader>`, `<nvram>` and what is booted. libvirt: virDomainDefOSValidate. */
export function validateFirmware(domain: Domain): void {
  const { os, features } = domain;
  if (os.loader?.secure === true && os.firmware === undefined) validateSecure(domain);
  const { loader, nvram } = os;
  const place = loader ?? nvram ?? os;
  if (os.firmware === undefined && (loader !== undefined || nvram !== undefined) && loader?.path === undefined) {
    throw invalid(place, "the firmware is not named; give the <loader> a path, or <os> firmware='efi'");
  }
  const isFlash = os.firmware === undefined ? loader?.type === "pflash" : os.firmware === "efi";
  if (!isFlash) {
    if (nvram !== undefined) throw invalid(nvram, "only EFI firmware in flash memory (type='pflash') keeps variables");
    if (loader?.stateless === false)
      throw invalid(place, "stateless='no' needs EFI firmware in flash memory (type='pflash'), which keeps variables");
    if (loader?.secure === true)
      throw invalid(place, "secure='yes' needs EFI firmware in flash memory (type='pflash')");
    return;
  }
  if (loader?.type === "rom" && os.firmware === undefined)
    throw invalid(place, "EFI firmware of type rom keeps no variables");
  if (loader?.stateless === true && nvram !== undefined)
    throw invalid(nvram, "a stateless <loader> keeps no variables");
  if (features?.acpi !== true) throw invalid(place, "EFI firmware needs <acpi/> in <features>");
  if (os.firmware === "efi" && loader?.readonly === false) {
    throw unsupported(
      place,
      "a writable <loader> cannot be chosen automatically",
      "readonly='yes', or the path of a writable image without firmware='efi'",
    );
  }
  if (loader?.secure === true && features.smm?.state === false)
    throw invalid(place, "secure='yes' needs system management mode; <smm> is off");
  const enabled = (name: string) => os.firmwareFeatures?.features.find((feature) => feature.name === name)?.enabled;
  if (enabled("enrolled-keys") === true && enabled("secure-boot") === false) {
    throw invalid(os.firmwareFeatures ?? os, "feature enrolled-keys needs feature secure-boot, which is disabled");
  }
}

/** Firmware that guards its variables does so in system management mode, which only q35 has. */
function validateSecure(domain: Domain): void {
  const place = domain.os.loader ?? domain.os;
  if (chipsetOf(domain) !== "q35") throw unsupported(place, "secure='yes' needs machine q35", "machine q35");
  if (switchState(domain.features?.smm) !== true)
    throw invalid(place, "secure='yes' needs <smm state='on'/> in <features>");
}
