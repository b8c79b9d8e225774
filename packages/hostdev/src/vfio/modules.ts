// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { tryParsePciAddress } from "../pci/address.ts";
import { pciDrivers } from "../pci/sysfs.ts";

/** The drivers that take a device from the host: to give it to a user, or to hold it. */
export type StubDriver = "vfio-pci" | "pci-stub";

/** What a grant may have to load. The IOMMU backend comes along with vfio-pci, but does not go with it. */
export const moduleNames = ["vfio_iommu_type1", "vfio-pci", "pci-stub"] as const;
export type ModuleName = (typeof moduleNames)[number];

/** Whether the module is loaded, or built into the kernel. Needs: nothing. */
export function isModulePresent(host: Host, module: ModuleName): boolean {
  return (
    host.status(`/sys/module/${module.replaceAll("-", "_")}`) !== undefined ||
    host.status(`${pciDrivers}/${module}`) !== undefined
  );
}

/**
 * Loads a module. Touches: `modprobe`. Needs: root.
 *
 * @throws {HostdevError} `HD_MODULE_MISSING` when the kernel has no such module, or refuses it.
 */
export async function loadModule(host: Host, module: ModuleName): Promise<void> {
  const { status, stderr } = await host.run("modprobe", ["--", module]);
  if (status === 0) return;
  const reason = stderr.trim().split("\n").at(-1) || `modprobe ended with status ${status}`;
  throw new HostdevError("HD_MODULE_MISSING", `Cannot load the module ${module}: ${reason}`, { module });
}

/**
 * Unloads a module and what came with it, unless it is needed. The kernel counts only open devices: it would unload a
 * driver under a bound device, and the IOMMU backend under any, so this must look.
 *
 * Touches: `modprobe -r`. Needs: root. A module in use stays, without an error: then somebody needs it.
 */
export async function unloadModule(host: Host, module: ModuleName): Promise<void> {
  if (isModulePresent(host, module) && !isNeeded(host, module)) await host.run("modprobe", ["-r", "--", module]);
}

function isNeeded(host: Host, module: ModuleName): boolean {
  if (module === "vfio_iommu_type1") {
    const users = (host.list("/sys/module/vfio/holders") ?? []).filter((name) => name !== module);
    return users.length > 0 || isModulePresent(host, "vfio-pci");
  }
  return (host.list(`${pciDrivers}/${module}`) ?? []).some((name) => tryParsePciAddress(name) !== undefined);
}
