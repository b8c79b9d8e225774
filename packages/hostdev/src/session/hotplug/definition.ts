// SPDX-License-Identifier: Apache-2.0

/** Devices that come and go in a definition, for the next start. */
import type { Host } from "../../core/host.ts";
import type { Domain } from "../../domain/domain.ts";
import { completeDomain, formatDomain, readDomain } from "../../domain/parse.ts";
import { parseOptions } from "../parse-for-host.ts";
import { guestDeviceExists } from "../session-errors.ts";
import { addTo, describe, findLike, type Pluggable, readDevice, removeFrom, requireLike } from "./device-xml.ts";
import { readScreen, replaceScreen } from "./update-screen.ts";

/** The definition with one more device. @throws {HostdevError} `HD_GUEST_DEVICE_EXISTS`, and as `parseDomain`. */
export function withDevice(host: Host, definition: Domain, xml: string): Domain {
  const added = readDevice(xml);
  if (findLike(definition, added) !== undefined) throw guestDeviceExists(definition.name, describe(added));
  const changed = readDomain(formatDomain(definition));
  addTo(changed, added);
  return completeDomain(changed, parseOptions(host));
}

/** The definition without a device. @throws {HostdevError} `HD_NO_GUEST_DEVICE`. */
export function withoutDevice(host: Host, definition: Domain, find: (domain: Domain) => Pluggable): Domain {
  const changed = completeDomain(readDomain(formatDomain(definition)), parseOptions(host));
  removeFrom(changed, find(changed));
  return changed;
}

/** The definition with a device as the XML says; it keeps its address. @throws {HostdevError} `HD_NO_GUEST_DEVICE`. */
export function withChangedDevice(host: Host, definition: Domain, xml: string): Domain {
  const changed = readDomain(formatDomain(definition));
  const screen = readScreen(xml);
  if (screen !== undefined) {
    replaceScreen(changed, screen);
    return completeDomain(changed, parseOptions(host));
  }
  const wanted = readDevice(xml);
  const present = requireLike(changed, wanted);
  if (wanted.device.address === undefined && present.device.address !== undefined)
    wanted.device.address = present.device.address;
  const all = changed.devices[present.list] as unknown[];
  all[all.indexOf(present.device)] = wanted.device;
  return completeDomain(changed, parseOptions(host));
}
