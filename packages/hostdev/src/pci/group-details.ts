// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { iommuGroups, readAttribute } from "./sysfs.ts";

/** A range of DMA addresses that is not free in this group. `start` and `end` are `0x` and 16 digits, `end` included. */
export interface ReservedRegion {
  readonly start: string;
  readonly end: string;
  /**
   * - `direct`: the firmware goes on using it by DMA (RMRR): VFIO refuses the group.
   * - `direct-relaxable`: as `direct` at boot only (USB, graphics): no obstacle.
   * - `msi`: where interrupts are written; `reserved`: not to be mapped.
   */
  readonly type: "direct" | "direct-relaxable" | "msi" | "reserved" | "unknown";
}

/** What the IOMMU does with a group. */
export interface GroupDetails {
  /** The kernel's own mapping: `DMA`, `DMA-FQ`, `identity`, `blocked`, `unmanaged`; `null` when it does not say. */
  readonly type: string | null;
  readonly reservedRegions: readonly ReservedRegion[];
}

/**
 * Reads what the IOMMU does with a group.
 *
 * Touches: reads `/sys/kernel/iommu_groups/<number>/`. Needs: nothing.
 * @see https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-kernel-iommu_groups
 */
export function readGroupDetails(host: Host, number: number): GroupDetails {
  const path = `${iommuGroups}/${number}`;
  return {
    type: readAttribute(host, `${path}/type`) ?? null,
    reservedRegions: parseReservedRegions(readAttribute(host, `${path}/reserved_regions`) ?? ""),
  };
}

const types: readonly string[] = ["direct", "direct-relaxable", "msi", "reserved"];

/** Parses a group's `reserved_regions`: lines of start, end and type. Lines that are not like that are left out. Pure. */
export function parseReservedRegions(text: string): readonly ReservedRegion[] {
  return [...text.matchAll(/^(0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16}) (\S+)$/gm)].map(
    ([, start = "", end = "", type = ""]) => ({
      start,
      end,
      type: types.includes(type) ? (type as ReservedRegion["type"]) : "unknown",
    }),
  );
}
