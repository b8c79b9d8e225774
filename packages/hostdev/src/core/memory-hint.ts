// SPDX-License-Identifier: Apache-2.0
import type { ErrorDetails } from "./error-details.ts";

const toMiB = (bytes: number) => Math.floor(bytes / 1024 ** 2);

/** How to go on when grants would leave the host too little memory: ask for less, or free some, and which. */
export function memoryHint({ budgetBytes, lentBytes, grants }: ErrorDetails["HD_MEMLOCK_BUDGET"]): string {
  const left = toMiB(budgetBytes - lentBytes);
  const free = grants.map(
    ({ device, memoryBytes, user }) => `hostdev-admin revoke ${device} (${toMiB(memoryBytes)} MiB of ${user})`,
  );
  const [less, more] = [`Give at most --memory ${left}MiB`, `free some: ${free.join(", ")}`];
  if (free.length === 0)
    return left > 0 ? `${less}, or let the host keep less, with --leave` : "Let the host keep less, with --leave.";
  return left > 0 ? `${less}, or ${more}` : `F${more.slice(1)}`;
}
