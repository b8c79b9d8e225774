// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../../core/errors.ts";
import type { LiveVm } from "../live-vm.ts";
import type { Unplug } from "../session-api.ts";
import { noGuestDevice, unplugRejected } from "../session-errors.ts";
import type { Pluggable } from "./device-xml.ts";

/** How long a guest may take to let a device go, before we tell that it has not yet; as libvirt. */
const patienceMs = 5000;

/**
 * Asks a running guest to let a device go, and awaits it, for a bounded time.
 *
 * What becomes of a device that the guest lets go, then or later, is `LiveVm`'s affair.
 * @throws {HostdevError} `HD_UNPLUG_REJECTED`; `HD_QMP_COMMAND`.
 */
export async function detach(vm: LiveVm, { device }: Pluggable, timeoutMs = patienceMs): Promise<Unplug> {
  const { alias } = device;
  if (alias === undefined) throw noGuestDevice(vm.domain.name, "device without an alias");
  const answer = vm.awaitUnplug(alias, timeoutMs);
  try {
    await vm.process.execute("device_del", { id: alias });
  } catch (error) {
    if (isGone(error)) vm.forget(alias);
    else if (!isUnderWay(error)) {
      answer.settle("requested");
      throw error;
    }
  }
  const outcome = await answer.outcome;
  if (outcome === "rejected") throw unplugRejected(vm.domain.name, alias);
  return outcome;
}

/** QEMU has no such device: it went without our noticing. */
function isGone(error: unknown): boolean {
  return isHostdevError(error, "HD_QMP_COMMAND") && error.details.class === "DeviceNotFound";
}

/** The guest was asked before, and has not answered yet. */
function isUnderWay(error: unknown): boolean {
  return isHostdevError(error, "HD_QMP_COMMAND") && /already in the process of unplug/.test(error.details.description);
}
