// SPDX-License-Identifier: Apache-2.0
import { GiB, MiB } from "../core/units.ts";

/**
 * How much memory of the VMs that devices are lent to may be pinned at once: all but what the host keeps, which is
 * 2 GiB, or 10 % of a larger machine. Bytes; pinned memory cannot be swapped out, so there is no lending twice. Pure.
 *
 * @param leaveBytes what the host keeps, when the administrator says so.
 */
export function memoryBudget(hostMemoryBytes: number, leaveBytes?: number): number {
  const keptBytes = leaveBytes ?? Math.max(2 * GiB, Math.ceil(hostMemoryBytes / 10));
  return Math.max(0, hostMemoryBytes - keptBytes);
}

/** What a grant is sized for when nothing is said: 4 GiB, or half of what a smaller machine has to lend. Bytes. Pure. */
export function defaultMemoryBytes(budgetBytes: number): number {
  return Math.min(4 * GiB, Math.max(256 * MiB, Math.floor(budgetBytes / 2)));
}
