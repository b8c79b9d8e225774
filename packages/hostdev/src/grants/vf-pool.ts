// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";
import { HostdevError, isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import { readSriov } from "../pci/sriov.ts";
import { pciDevices, readAttribute } from "../pci/sysfs.ts";
import { readUsage } from "../usage/read-usage.ts";
import { findGroupHolders } from "../vfio/holders.ts";
import { poolDirectory } from "./paths.ts";
import { readQuarantines } from "./quarantine.ts";
import { addressText, id } from "./record-parts.ts";
import { readBootId, readRecords, removeEmptyFolders } from "./store.ts";
import type { VfCreation } from "./vf-request.ts";

/**
 * Virtual functions that we made, and that go when nobody needs them any more. On the disk before the first of them is:
 * a kill leaves nothing that the next recovery does not find.
 */
export interface VfPool extends VfCreation {
  readonly bootId: string;
  /** `sriov_drivers_autoprobe` as it was; `null` where the kernel has none (before 4.12). */
  readonly autoprobe: string | null;
}

const schema = v.strictObject({
  version: v.literal(1),
  physicalFunction: addressText,
  count: id,
  bootId: v.string(),
  autoprobe: v.nullable(v.picklist(["0", "1"])),
});

const pathOf = (physicalFunction: string) => `${poolDirectory}/${physicalFunction}.json`;

/**
 * The virtual functions that we made. Touches: reads `/var/lib/hostdev/vfs`. Needs: nothing.
 *
 * @throws {HostdevError} `HD_JOURNAL_INVALID`.
 */
export function readPools(host: Host): readonly VfPool[] {
  const names = [...(host.list(poolDirectory) ?? [])].filter((name) => /^[0-9a-f:.]+\.json$/.test(name)).sort();
  return names.map((name) => {
    const path = `${poolDirectory}/${name}`;
    try {
      const { version: _, ...pool } = v.parse(schema, JSON.parse(host.readText(path) ?? ""));
      if (pathOf(pool.physicalFunction) !== path) throw new Error(`it is about ${pool.physicalFunction}`);
      return pool;
    } catch (cause) {
      throw new HostdevError("HD_JOURNAL_INVALID", `Cannot read ${path}`, { path, line: 1 }, { cause });
    }
  });
}

/**
 * Makes virtual functions. Drivers of the host do not take them: they are made to be lent, and a network manager would
 * set an interface of theirs up at once.
 *
 * Touches: `sriov_drivers_autoprobe`, `sriov_numvfs`; our record. Needs: root, and the lock.
 * After a failure: there may be some; `sweepPools` ends them.
 *
 * @throws {HostdevError} `HD_KERNEL_WRITE`, `HD_STATE_CONFLICT`.
 */
export async function createPool(host: Host, { physicalFunction, count }: VfCreation): Promise<void> {
  const path = `${pciDevices}/${physicalFunction}`;
  const autoprobe = readAttribute(host, `${path}/sriov_drivers_autoprobe`) ?? null;
  const pool = { version: 1, physicalFunction, count, bootId: readBootId(host), autoprobe };
  host.makeDirectory(poolDirectory, 0o755);
  host.writeFile(pathOf(physicalFunction), `${JSON.stringify(pool)}\n`, 0o644);
  if (autoprobe === "1") await host.writeKernel(`${path}/sriov_drivers_autoprobe`, "0");
  await host.writeKernel(`${path}/sriov_numvfs`, String(count));
  await settle(host);
  if (autoprobe === "1") await host.writeKernel(`${path}/sriov_drivers_autoprobe`, autoprobe);
  const sriov = readSriov(host, physicalFunction);
  const found = sriov?.role === "physical" ? sriov.virtualFunctions.length : 0;
  if (found === count) return;
  throw new HostdevError("HD_STATE_CONFLICT", `${physicalFunction} has ${found} virtual functions, not ${count}`, {
    what: `sriov_numvfs of ${physicalFunction}`,
    from: "0",
    to: String(count),
    found: String(found),
  });
}

/**
 * Makes virtual functions anew that were made for a grant and are gone with the boot. Where there are some, by whomever,
 * they stay as they are: the grant is matched with those.
 *
 * Touches: as `createPool`. Needs: root, and the lock.
 * @returns why there are none, as a clause; `undefined` when there are some.
 */
export async function ensurePool(host: Host, creation: VfCreation): Promise<string | undefined> {
  const { physicalFunction, count } = creation;
  const sriov = readSriov(host, physicalFunction);
  if (sriov?.role !== "physical") return `${physicalFunction} has no virtual functions`;
  if (sriov.numVfs > 0) return undefined;
  if (sriov.totalVfs < count) return `${physicalFunction} can have ${sriov.totalVfs} virtual functions, not ${count}`;
  try {
    await createPool(host, creation);
    return undefined;
  } catch (error) {
    if (isHostdevError(error)) return error.message;
    throw error;
  }
}

/** Waits until udev has loaded their drivers' modules, which take functions as soon as they may. Without udev nobody does. */
async function settle(host: Host): Promise<void> {
  try {
    await host.run("udevadm", ["settle", "--timeout=10"]);
  } catch (error) {
    if (!isHostdevError(error)) throw error;
  }
}

/**
 * Ends the virtual functions that we made and that nobody needs: no grant, no quarantine, no host, no open device.
 *
 * Touches: `sriov_numvfs`, `sriov_drivers_autoprobe`; our records. Needs: root, and the lock.
 * After a failure: the record stays, and the next sweep tries again.
 *
 * @param ended the grant that is just being taken back: it needs none any more.
 * @returns what stays though no grant needs it, as clauses.
 */
export async function sweepPools(host: Host, ended?: string): Promise<readonly string[]> {
  const left: string[] = [];
  for (const pool of readPools(host)) {
    const { physicalFunction, autoprobe, bootId } = pool;
    const path = `${pciDevices}/${physicalFunction}`;
    if (bootId === readBootId(host) && host.status(path) !== undefined) {
      if (autoprobe !== null && readAttribute(host, `${path}/sriov_drivers_autoprobe`) !== autoprobe)
        await host.writeKernel(`${path}/sriov_drivers_autoprobe`, autoprobe);
      const needed = await whoNeeds(host, pool, ended);
      if (needed === "grant") continue;
      if (needed !== undefined) {
        left.push(`the virtual functions of ${physicalFunction} stay: ${needed}`);
        continue;
      }
      if (readAttribute(host, `${path}/sriov_numvfs`) !== "0") await host.writeKernel(`${path}/sriov_numvfs`, "0");
    }
    host.removeFile(pathOf(physicalFunction)); // another boot has none of them
  }
  removeEmptyFolders(host);
  return left;
}

/** Who still needs any of the pool's functions: `grant`, or a clause that names somebody else; `undefined`: nobody. */
async function whoNeeds(host: Host, { physicalFunction, count }: VfPool, ended?: string): Promise<string | undefined> {
  const sriov = readSriov(host, physicalFunction);
  const all = sriov?.role === "physical" ? sriov.virtualFunctions : [];
  const addresses = all.map(({ address }) => address);
  if (all.length > 0 && all.length !== count) return `somebody has made them ${all.length}`;
  const lent = readRecords(host).filter(({ grant }) => grant.id !== ended);
  if (lent.some(({ grant }) => grant.endpoints.some(({ address }) => addresses.includes(address)))) return "grant";
  const quarantined = readQuarantines(host).find(({ address }) => addresses.includes(address));
  if (quarantined !== undefined) return `${quarantined.address} is in quarantine`;
  const functions = enumerateFunctions(host);
  const use = readUsage(host, functions).uses.find(({ address }) => addresses.includes(address));
  if (use !== undefined) return `the host uses one, ${use.text}`;
  for (const { address, group } of functions) {
    if (group === null || !addresses.includes(address)) continue;
    if ((await findGroupHolders(host, group)).isHeld) return `somebody has ${address} open`;
  }
  return undefined;
}
