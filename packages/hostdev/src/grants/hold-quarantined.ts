// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { readUsage } from "../usage/read-usage.ts";
import { readBinding } from "../vfio/binding.ts";
import { assertNotHeld } from "../vfio/holders.ts";
import { isModulePresent } from "../vfio/modules.ts";
import { isVfioDriver } from "../vfio/viability.ts";
import { isolate } from "./apply-clean.ts";
import { type Quarantine, readQuarantines, writeQuarantine } from "./quarantine.ts";
import { readBootId } from "./store.ts";

/** A device in quarantine that was not held any more. */
export interface Rehold {
  readonly quarantine: Quarantine;
  /** Why it is not held now either, as a clause; `null`: it is. */
  readonly reason: string | null;
}

/**
 * Holds the devices in quarantine again that the kernel gave to a driver at boot, or somebody did. What the host has come
 * to live on meanwhile is left to it: that harm is done.
 *
 * Touches: the bindings and records of such devices; may load pci-stub. Needs: root, and the lock.
 * After a kill: calling it again goes on.
 *
 * @throws {HostdevError} what loading and binding meet; those that come after are not held then.
 */
export async function holdQuarantined(host: Host): Promise<readonly Rehold[]> {
  const loose = readQuarantines(host).flatMap((quarantine) => {
    const fn = enumerateFunctions(host).find(({ address }) => address === quarantine.address);
    return fn === undefined || fn.driver === "pci-stub" ? [] : [{ quarantine, fn }];
  });
  const reholds: Rehold[] = [];
  for (const { quarantine, fn } of loose) {
    const reason = await whyNot(host, quarantine, fn);
    if (reason === null) await hold(host, quarantine);
    reholds.push({ quarantine, reason });
  }
  return reholds;
}

async function whyNot(host: Host, { vendorId, deviceId }: Quarantine, fn: PciFunction): Promise<string | null> {
  if (fn.vendorId !== vendorId || fn.deviceId !== deviceId) return "another card is there now";
  const use = readUsage(host, enumerateFunctions(host)).uses.find(({ address }) => address === fn.address);
  if (use !== undefined) return `the host uses it: ${use.text}`;
  try {
    if (isVfioDriver(fn.driver) && fn.group !== null) await assertNotHeld(host, fn.group);
    return null;
  } catch (error) {
    if (isHostdevError(error, "HD_GROUP_HELD")) return error.message;
    throw error;
  }
}

async function hold(host: Host, quarantine: Quarantine): Promise<void> {
  const bootId = readBootId(host);
  // In the boot of its record it has its home already; in another one that is what it is now.
  const home = readBinding(host, quarantine.address);
  const loadedStub = !isModulePresent(host, "pci-stub");
  if (quarantine.bootId !== bootId) writeQuarantine(host, { ...quarantine, home, bootId, loadedStub });
  await isolate(host, quarantine);
}
