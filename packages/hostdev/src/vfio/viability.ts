// SPDX-License-Identifier: Apache-2.0
import type { Blocker } from "../core/error-details.ts";
import type { IommuGroup } from "../pci/iommu-group.ts";
import type { PciFunction } from "../pci/pci-function.ts";

/**
 * Which drivers leave a group viable. Since Linux 5.19 a group is viable when no member's driver claims to do DMA
 * for the kernel (`driver_managed_dma`): the vfio drivers, pci-stub and the port driver declare that they do not.
 * Before, the kernel had a list of names, these same ones.
 *
 * @see https://docs.kernel.org/driver-api/vfio.html
 */
const harmlessDrivers = new Set(["vfio-pci", "pci-stub", "pcieport", "xen-pciback"]);

/** Whether this driver gives user space the device, or could (variant drivers: `mlx5_vfio_pci`). */
export function isVfioDriver(driver: string | null): boolean {
  return driver !== null && /(^|[-_])vfio[-_](pci|ap|ccw)/.test(driver);
}

/** Whether a member bound to `driver` keeps its group from being viable. */
export function isBlockingDriver(driver: string | null): boolean {
  return driver !== null && !harmlessDrivers.has(driver) && !isVfioDriver(driver);
}

/** The members that keep the group from being viable; none: the group is viable. Pure. */
export function findBlockers(group: IommuGroup): readonly Blocker[] {
  return group.members.flatMap(({ address, driver }) =>
    driver !== null && isBlockingDriver(driver) ? [{ address, driver }] : [],
  );
}

/** Whether the member is out of everyone's reach: on pci-stub. */
export function isHeld(member: PciFunction): boolean {
  return member.driver === "pci-stub";
}
