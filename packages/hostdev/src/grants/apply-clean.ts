// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { readPciFunction } from "../pci/pci-function.ts";
import { setBinding } from "../vfio/binding.ts";
import { cleanFunction } from "../vfio/clean.ts";
import { assertNotHeld } from "../vfio/holders.ts";
import { isModulePresent, loadModule } from "../vfio/modules.ts";
import { isVfioDriver } from "../vfio/viability.ts";
import { type Quarantine, readQuarantine, writeQuarantine } from "./quarantine.ts";
import type { Step } from "./step.ts";
import { readBootId } from "./store.ts";

/**
 * Makes a function that a user had fit for the host, or puts it into quarantine. What is with a driver of the host
 * already was cleaned before it got there, or was never the user's; what is in quarantine stays there.
 *
 * Needs: root. Touches: the function's `reset` and command register; for a quarantine its record and its binding.
 *
 * @throws {HostdevError} `HD_GROUP_HELD`, before anything is touched; what binding to pci-stub meets: then the record
 * of the quarantine stands, and applying the step again goes on.
 */
export async function applyClean(host: Host, step: Step & { kind: "clean" }): Promise<void> {
  const { address, vendorId, deviceId, user, home } = step;
  const found = readPciFunction(host, address);
  if (found === undefined) return; // pulled out
  const decided = readQuarantine(host, address);
  if (decided !== undefined) return isolate(host, decided);
  if (found.driver !== null && !isVfioDriver(found.driver) && found.driver !== "pci-stub") return;
  if (found.group !== null) await assertNotHeld(host, found.group);
  const reason = await cleanFunction(host, step);
  if (reason === undefined) return;
  const loadedStub = step.ownsStub || !isModulePresent(host, "pci-stub");
  const since = host.now().toISOString();
  const quarantine: Quarantine = {
    ...{ address, vendorId, deviceId, reason, user, since },
    ...{ bootId: readBootId(host), home, loadedStub },
  };
  writeQuarantine(host, quarantine);
  await isolate(host, quarantine);
}

/**
 * Holds a function on pci-stub, where nobody reaches it.
 *
 * Needs: root. @throws {HostdevError} `HD_MODULE_MISSING`, and what binding meets.
 */
export async function isolate(host: Host, { address }: Pick<Quarantine, "address">): Promise<void> {
  if (!isModulePresent(host, "pci-stub")) await loadModule(host, "pci-stub");
  await setBinding(host, address, { driver: "pci-stub", override: "pci-stub" });
}
