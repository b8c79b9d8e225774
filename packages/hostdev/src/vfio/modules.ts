// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { tryParsePciAddress } from "../pci/address.ts";
import { pciDrivers } from "../pci/sysfs.ts";

/** The stub drivers' modules are named as the drivers, with underscores where the kernel wants them. */
export type StubDriver = "vfio-pci" | "pci-stub";

/** Whether the driver is there to be bound: loaded, or built in. Needs: nothing. */
export function isDriverPresent(host: Host, driver: StubDriver): boolean {
  return host.status(`${pciDrivers}/${driver}`) !== undefined;
}

/**
 * Loads a stub driver's module. Touches: `modprobe`. Needs: root.
 *
 * @throws {HostdevError} `HD_MODULE_MISSING` when the kernel has no such module, or refuses it.
 */
export async function loadDriver(host: Host, driver: StubDriver): Promise<void> {
  const { status, stderr } = await host.run("modprobe", ["--", driver]);
  if (status === 0 && isDriverPresent(host, driver)) return;
  const reason = stderr.trim().split("\n").at(-1) || `modprobe ended with status ${status}`;
  throw new HostdevError("HD_MODULE_MISSING", `Cannot load the driver ${driver}: ${reason}`, { module: driver });
}

/**
 * Unloads a stub driver's module and what came with it, unless a function is bound to it: a bound but unopened
 * device does not keep the kernel from unloading its driver, so this must look.
 *
 * Touches: `modprobe -r`. Needs: root. A module in use stays, without an error: then somebody needs it.
 */
export async function unloadDriver(host: Host, driver: StubDriver): Promise<void> {
  const bound = (host.list(`${pciDrivers}/${driver}`) ?? []).filter((name) => tryParsePciAddress(name) !== undefined);
  if (bound.length > 0) return;
  await host.run("modprobe", ["-r", "--", driver]);
}
