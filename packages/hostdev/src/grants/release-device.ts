// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { findAddress } from "../pci/enumerate.ts";
import { pciDevices } from "../pci/sysfs.ts";
import { setBinding } from "../vfio/binding.ts";
import { resetFunction, stopBusMaster } from "../vfio/clean.ts";
import { waitForLeftoverWrites } from "../vfio/leftover-writes.ts";
import { unloadModule } from "../vfio/modules.ts";
import { isolate } from "./apply-clean.ts";
import { audited, type Begin, type OnWarning } from "./audit.ts";
import { assertNothingInterrupted, withLock } from "./exclusive.ts";
import { type Quarantine, readQuarantines, removeQuarantine, writeQuarantine } from "./quarantine.ts";
import { readBootId } from "./store.ts";
import { sweepPools } from "./vf-pool.ts";

/** A device that is out of quarantine. */
export interface Release {
  readonly quarantine: Quarantine;
  /** Why it was not reset, if it was not. */
  readonly noReset: string | null;
}

/**
 * Gives a device in quarantine back to the host, on an administrator's word that he trusts it: resets it if it can be,
 * and gives it the driver and the override that it had before it was lent.
 *
 * Touches: the device's reset, command register and binding; the record of the quarantine; pci-stub. Needs: root.
 * After a failure: it is in quarantine still. After a kill: too, or back; calling this again goes on.
 *
 * @throws {HostdevError} `HD_NOT_QUARANTINED`; `HD_QUARANTINED` without `trust`; `HD_LEFTOVER_WRITE`; what binding meets.
 */
export async function releaseDevice(
  host: Host,
  device: string,
  trust: boolean,
  onWarning?: OnWarning,
): Promise<Release> {
  return audited(host, { action: "release", device }, onWarning, (begin) =>
    release(host, device, trust, begin, onWarning),
  );
}

async function release(
  host: Host,
  device: string,
  trust: boolean,
  begin: Begin,
  onWarning: OnWarning | undefined,
): Promise<Release> {
  requireRoot(host, `hostdev-admin release ${device} --trust`);
  return withLock(host, async () => {
    await assertNothingInterrupted(host, true);
    const quarantines = readQuarantines(host);
    const quarantine = findQuarantine(host, quarantines, device);
    const { address, reason } = quarantine;
    if (!trust) {
      throw new HostdevError("HD_QUARANTINED", `${address} is in quarantine: ${reason}`, { address, reason });
    }
    await waitForLeftoverWrites(host, new Set([address]), { onWarning }); // of a release that was killed
    await begin({ device: address });
    const isThere = host.status(`${pciDevices}/${address}`) !== undefined;
    const noReset = isThere ? await giveBack(host, quarantine) : "it is not there";
    const heir = quarantines.find((other) => other.address !== address);
    if (quarantine.loadedStub && heir !== undefined) writeQuarantine(host, { ...heir, loadedStub: true });
    if (quarantine.loadedStub) await unloadModule(host, "pci-stub");
    removeQuarantine(host, address);
    await sweepPools(host); // it may have been a virtual function that was made to be lent
    return { quarantine, noReset: noReset ?? null };
  });
}

async function giveBack(host: Host, quarantine: Quarantine): Promise<string | undefined> {
  const { address, bootId, home } = quarantine;
  const isWithStub = host.readLink(`${pciDevices}/${address}/driver`)?.endsWith("/pci-stub") ?? true;
  const noReset = isWithStub ? await resetFunction(host, address) : "the host has it already";
  if (isWithStub) await stopBusMaster(host, address);
  try {
    // An override that somebody had set before does not outlive a boot.
    await setBinding(host, address, bootId === readBootId(host) ? home : { driver: home.driver, override: null });
  } catch (error) {
    await isolate(host, quarantine);
    throw error;
  }
  return noReset;
}

function findQuarantine(host: Host, quarantines: readonly Quarantine[], device: string): Quarantine {
  const address = findAddress(host, device);
  const found = quarantines.find((quarantine) => quarantine.address === address);
  if (found !== undefined) return found;
  throw new HostdevError("HD_NOT_QUARANTINED", `${address} is not in quarantine`, { address });
}
