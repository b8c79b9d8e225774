// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { findFunction } from "../pci/enumerate.ts";
import type { PciFunction } from "../pci/pci-function.ts";
import { readSriov, type VirtualFunction } from "../pci/sriov.ts";
import type { Use } from "../usage/use.ts";
import { interruptsRefused, readInterruptSafety } from "../vfio/interrupt-safety.ts";

/** Which virtual function is asked for, of the physical one that the request names as its device. */
export interface VfRequest {
  /** From 0 on; `any`: the first that nobody has. */
  readonly index: number | "any";
  /** How many to make, if there are none. */
  readonly create?: number;
  /** MAC address and VLAN that the physical function shall hold it to. */
  readonly mac?: string;
  readonly vlan?: number;
}

/** What can be said of a virtual function that does not exist yet. */
export interface VfCreation {
  readonly physicalFunction: string;
  readonly count: number;
}

/**
 * Tells whether virtual functions have to be made first, and refuses what can be refused by then.
 *
 * Touches: reads sysfs. Needs: nothing. A count that is there is never changed: that would end all that use them.
 * @throws {HostdevError} `HD_DEVICE_NOT_FOUND`, `HD_NOT_A_PF`, `HD_VF_NOT_FOUND`, `HD_VFS_EXIST`,
 * `HD_INTERRUPT_REMAPPING_OFF`.
 */
export function planCreation(host: Host, device: string, request: VfRequest): VfCreation | undefined {
  const { index, create } = request;
  const { address, driver } = findFunction(host, device);
  const sriov = readSriov(host, address);
  if (sriov === null || sriov.role === "virtual") {
    const state = sriov === null ? "it has no SR-IOV" : `it is itself one of ${sriov.physicalFunction}`;
    throw new HostdevError("HD_NOT_A_PF", `Cannot lend a virtual function of ${address}: ${state}`, { address });
  }
  const { numVfs, totalVfs } = sriov;
  const details = { physicalFunction: address, count: numVfs, totalVfs };
  const refusal = (text: string) =>
    new HostdevError("HD_VF_NOT_FOUND", `Cannot lend a virtual function of ${address}: ${text}`, details);
  if (numVfs > 0) {
    if (index !== "any" && index >= numVfs) throw refusal(`there is no ${index}, they are 0 to ${numVfs - 1}`);
    if (create === undefined || create === numVfs) return undefined;
    const message = `Cannot make ${create} virtual functions of ${address}: it has ${numVfs}, which would end with that`;
    throw new HostdevError("HD_VFS_EXIST", message, details);
  }
  if (create === undefined) throw refusal("it has none now");
  if (driver === null) throw refusal("it has no driver, which alone can make some");
  if (create > totalVfs) throw refusal(`it can have ${totalVfs} at most, not ${create}`);
  if (index !== "any" && index >= create) throw refusal(`there would be no ${index}, but 0 to ${create - 1}`);
  const interrupts = readInterruptSafety(host);
  if (interrupts.state === "refused")
    throw interruptsRefused(`Cannot lend a virtual function of ${address}`, interrupts);
  return { physicalFunction: address, count: create };
}

/**
 * Finds the virtual function that a request means.
 *
 * @param isFree whether nobody has this one.
 * @throws {HostdevError} `HD_VF_NOT_FOUND`.
 */
export function chooseVf(
  host: Host,
  physicalFunction: string,
  index: VfRequest["index"],
  isFree: (address: string) => boolean,
): VirtualFunction {
  const sriov = readSriov(host, physicalFunction);
  const all = sriov?.role === "physical" ? sriov.virtualFunctions : [];
  const found = all.find((vf) => (index === "any" ? isFree(vf.address) : vf.index === index));
  if (found !== undefined) return found;
  const text = index === "any" ? `all ${all.length} are in use` : `there is no ${index}`;
  const details = { physicalFunction, count: all.length, totalVfs: sriov?.role === "physical" ? sriov.totalVfs : 0 };
  throw new HostdevError("HD_VF_NOT_FOUND", `Cannot lend a virtual function of ${physicalFunction}: ${text}`, details);
}

/** Whether neither the host nor a user has this function: what `any` may take. Pure. */
export function isFreeFunction(
  fn: PciFunction | undefined,
  uses: readonly Use[],
  taken: ReadonlySet<string>,
  nodeUid: number | undefined,
): boolean {
  if (fn === undefined || taken.has(fn.address) || (nodeUid ?? 0) !== 0) return false;
  return !uses.some(({ address }) => address === fn.address);
}
