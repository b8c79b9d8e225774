// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { readPciFunction } from "../pci/pci-function.ts";
import { pciDevices, pciDrivers, readAttribute } from "../pci/sysfs.ts";

/** Which driver a function has, and which one it is told to have. */
export interface Binding {
  readonly driver: string | null;
  readonly override: string | null;
}

/**
 * Reads driver and override of a function. Needs: nothing.
 *
 * Reading the override takes the device's lock: while an unbind of this device hangs, this does too.
 *
 * @throws {HostdevError} `HD_DEVICE_NOT_FOUND`.
 */
export function readBinding(host: Host, address: string): Binding {
  const found = readPciFunction(host, address);
  if (found === undefined) {
    throw new HostdevError("HD_DEVICE_NOT_FOUND", `${address} is no longer there`, { device: address });
  }
  const override = readAttribute(host, `${pciDevices}/${address}/driver_override`) ?? "";
  return { driver: found.driver, override: override === "" || override === "(null)" ? null : override };
}

/** Whether two bindings are the same. */
export function isSameBinding(a: Binding, b: Binding): boolean {
  return a.driver === b.driver && a.override === b.override;
}

/**
 * Brings a function to a driver and an override, and reads both back.
 *
 * The override is written before the unbind, so that nothing else can take the function in between, and a probe
 * decides, never `new_id`, which would catch every twin of the device. A probe that binds nothing reports success:
 * only the driver link tells.
 *
 * Touches: writes `driver_override`, `driver/unbind`, `drivers_probe` (or the driver's `bind`). Needs: root.
 * After a failure: the override may be the wanted one already, the driver the old one or none; calling again goes on.
 *
 * @throws {HostdevError} `HD_DEVICE_NOT_FOUND`, `HD_KERNEL_WRITE`, `HD_KERNEL_WRITE_HANGS`, `HD_PROBE_FAILED`.
 */
export async function setBinding(host: Host, address: string, wanted: Binding): Promise<void> {
  const now = readBinding(host, address);
  const through = overrideWhileBinding(now, wanted);
  if (now.override !== through) await writeOverride(host, address, through);
  if (now.driver !== wanted.driver) {
    if (now.driver !== null) await host.writeKernel(`${pciDevices}/${address}/driver/unbind`, address);
    if (wanted.driver !== null) await probe(host, address, wanted.driver);
  }
  if (through !== wanted.override) await writeOverride(host, address, wanted.override);
  const { driver, override } = readBinding(host, address);
  if (driver !== wanted.driver) {
    const state = driver === null ? "no driver took it" : `${driver} took it`;
    const message = `Cannot bind ${address} to ${wanted.driver ?? "no driver"}: ${state}`;
    throw new HostdevError("HD_PROBE_FAILED", message, { address, wanted: wanted.driver, found: driver });
  }
  if (override !== wanted.override) {
    throw new HostdevError("HD_STATE_CONFLICT", `The driver override of ${address} does not stay as written`, {
      what: `driver_override of ${address}`,
      from: String(now.override),
      to: String(wanted.override),
      found: String(override),
    });
  }
}

/**
 * The override under which the wanted driver can take the function. Usually the wanted one; but somebody may have named
 * another driver for the next probe and left the old one bound: then the override lets only that other one in. Pure.
 */
export function overrideWhileBinding(now: Binding, wanted: Binding): string | null {
  const isShutOut = wanted.driver !== null && wanted.override !== null && wanted.override !== wanted.driver;
  return isShutOut && now.driver !== wanted.driver ? wanted.driver : wanted.override;
}

/** A write of no bytes never reaches the kernel; a line end clears. */
async function writeOverride(host: Host, address: string, override: string | null): Promise<void> {
  await host.writeKernel(`${pciDevices}/${address}/driver_override`, override ?? "\n");
}

async function probe(host: Host, address: string, driver: string): Promise<void> {
  await host.writeKernel("/sys/bus/pci/drivers_probe", address);
  const { driver: taken } = readBinding(host, address);
  if (taken === driver) return;
  // The driver was once bound by hand, against the usual choice: name it.
  if (taken !== null) await host.writeKernel(`${pciDevices}/${address}/driver/unbind`, address);
  if (host.status(`${pciDrivers}/${driver}/bind`) !== undefined) {
    try {
      await host.writeKernel(`${pciDrivers}/${driver}/bind`, address);
    } catch (error) {
      if (error instanceof HostdevError && error.code === "HD_KERNEL_WRITE") return; // read back tells
      throw error;
    }
  }
}
