// SPDX-License-Identifier: Apache-2.0
import type { LiveVm } from "./live-vm.ts";

/** Interrupts the guest in a way that it cannot mask. @throws `HD_QMP_*` */
export async function injectNmi({ process }: LiveVm): Promise<void> {
  await process.execute("inject-nmi");
}

/**
 * Presses keys of the guest's keyboard all at once.
 *
 * @param codes of `toQemuKey`.
 * @param holdMs how long; QEMU holds them for 100 ms when it is 0.
 * @throws `HD_QMP_*`
 */
export async function sendKeys({ process }: LiveVm, codes: readonly number[], holdMs: number): Promise<void> {
  const keys = codes.map((data) => ({ type: "number", data }) as const);
  await process.execute("send-key", { keys, ...(holdMs === 0 ? {} : { "hold-time": holdMs }) });
}
