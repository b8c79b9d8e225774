// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "./domain.ts";
import { validateAddressTypes } from "./validate/address-types.ts";
import { validateDevices } from "./validate/devices.ts";
import { validateDisks } from "./validate/disks.ts";
import { validateFirmware } from "./validate/firmware.ts";
import { validateGeneral } from "./validate/general.ts";
import { validateHostDevices } from "./validate/host-devices.ts";
import { validateLabels } from "./validate/labels.ts";
import { validateMemory } from "./validate/memory.ts";
import { validateOptions } from "./validate/options.ts";
import { validateTuning } from "./validate/tuning.ts";

/**
 * Refuses domains that are well-formed but cannot be. Run it after `fillDefaults`.
 *
 * @throws {HostdevError} `HD_DOMAIN_INVALID`, `HD_DOMAIN_UNSUPPORTED`; the first that is found.
 */
export function validateDomain(domain: Domain): void {
  validateGeneral(domain);
  validateTuning(domain);
  validateFirmware(domain);
  validateMemory(domain);
  validateAddressTypes(domain);
  validateDisks(domain);
  validateHostDevices(domain);
  validateDevices(domain);
  validateOptions(domain);
  validateLabels(domain);
}
