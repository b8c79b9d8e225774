// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { pciDevices, readAttribute } from "./sysfs.ts";

/**
 * The ways to reset a function, in the order that the kernel tries: `device_specific`, `acpi`, `flr`, `af_flr`, `pm`,
 * `bus`, `cxl_bus`. Empty: none. `null`: there are some, which a kernel before 5.15 does not tell.
 *
 * Touches: reads `reset_method`. Needs: nothing.
 */
export function readResetMethods(host: Host, address: string): readonly string[] | null {
  const path = `${pciDevices}/${address}`;
  const methods = readAttribute(host, `${path}/reset_method`);
  if (methods !== undefined) return methods.split(/\s+/).filter((method) => method !== "");
  return host.status(`${path}/reset`) === undefined ? [] : null;
}

/**
 * Whether a function can be reset without any other. A reset of its bus reaches all that is on it, so that the kernel
 * refuses it where there are others; yet it lists the method, having looked before it found those.
 *
 * Touches: reads `reset_method`, the names in `/sys/bus/pci/devices`. Needs: nothing.
 */
export function canResetAlone(host: Host, address: string): boolean {
  const methods = readResetMethods(host, address);
  if (methods === null || methods.some((method) => method !== "bus" && method !== "cxl_bus")) return true;
  const bus = address.slice(0, address.lastIndexOf(":") + 1);
  return (
    methods.length > 0 && !(host.list(pciDevices) ?? []).some((other) => other !== address && other.startsWith(bus))
  );
}
