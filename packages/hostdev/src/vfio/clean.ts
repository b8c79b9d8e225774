// SPDX-License-Identifier: Apache-2.0
import { describeErrno } from "../core/errno.ts";
import { HostdevError, isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { type ConfigHeader, readConfigSpace } from "../pci/config-space.ts";
import { canResetAlone } from "../pci/reset-methods.ts";
import { pciDevices } from "../pci/sysfs.ts";

/** What a function is, and what is asked of it before the host gets it back. */
export interface CleanRequest {
  readonly address: string;
  readonly vendorId: number;
  readonly deviceId: number;
  /** It need not be reset if it cannot be. */
  readonly mayLackReset: boolean;
}

/**
 * Brings a function that a user had into a state in which a driver of the host can trust it: resets it in the best way
 * it has, takes bus mastering from it, and reads back that it answers and is what it was.
 *
 * It has to be on vfio-pci still, on pci-stub or without driver, and nobody may have it open: then the kernel resets it
 * at once, and what it restores after the reset is a state without bus mastering.
 *
 * Touches: writes `reset` and, if need be, the command register. Needs: root.
 * After a reason: perhaps reset, without bus mastering if it let itself be told so.
 *
 * @returns why it is not clean, as a clause; `undefined` when it is.
 */
export async function cleanFunction(host: Host, request: CleanRequest): Promise<string | undefined> {
  const { address, mayLackReset } = request;
  const noReset = await resetFunction(host, address);
  const noMaster = await stopBusMaster(host, address);
  const isAccepted = mayLackReset && !canResetAlone(host, address);
  return (isAccepted ? undefined : noReset) ?? noMaster ?? insanity(host, request);
}

/**
 * Resets one function alone. Needs: root.
 *
 * @returns why it could not be, as a clause.
 */
export async function resetFunction(host: Host, address: string): Promise<string | undefined> {
  if (!canResetAlone(host, address)) return "it cannot be reset";
  try {
    await host.writeKernel(`${pciDevices}/${address}/reset`, "1", resetMs);
    return undefined;
  } catch (error) {
    if (isHostdevError(error, "HD_KERNEL_WRITE")) return `its reset failed: ${describeErrno(error.details.errno)}`;
    if (isHostdevError(error, "HD_KERNEL_WRITE_HANGS")) return "its reset does not come to an end";
    throw error;
  }
}

/** The kernel waits up to a minute for a function to answer again after a reset. */
const resetMs = 90_000;

const commandRegister = 0x04;
const busMasterBit = 0x04;

/**
 * Takes bus mastering from a function: it can no longer reach memory, nor interrupt by message. Needs: root.
 *
 * @returns why it could not be taken, as a clause.
 */
export async function stopBusMaster(host: Host, address: string): Promise<string | undefined> {
  const header = readHeader(host, address);
  if (header?.command.busMaster !== true) return undefined; // without an answer there is nothing to write
  const path = `${pciDevices}/${address}/config`;
  const low = host.readBytes(path, commandRegister + 1)?.at(commandRegister) ?? 0;
  try {
    await host.writeKernelBytes(path, commandRegister, Uint8Array.of(low & ~busMasterBit));
  } catch (error) {
    if (!(error instanceof HostdevError)) throw error;
    return `bus mastering cannot be taken from it: ${error.message}`; // a locked-down kernel writes no config space
  }
  return readHeader(host, address)?.command.busMaster === true ? "it does not give up bus mastering" : undefined;
}

/** What is wrong with the answers of a function, as a clause. */
function insanity(host: Host, { address, vendorId, deviceId }: CleanRequest): string | undefined {
  const header = readHeader(host, address);
  if (header === undefined) return "it does not answer (its config space is all ones)";
  if (header.type !== "endpoint") return "its header says that it is a bridge";
  const isVirtual = host.readLink(`${pciDevices}/${address}/physfn`) !== undefined;
  if (header.vendorId === vendorId && header.deviceId === deviceId) return undefined;
  if (isVirtual && header.vendorId === 0xffff && header.deviceId === 0xffff) return undefined; // they are its PF's to tell
  const hex = (id: number) => id.toString(16).padStart(4, "0");
  return `it says that it is ${hex(header.vendorId)}:${hex(header.deviceId)} now`;
}

function readHeader(host: Host, address: string): ConfigHeader | undefined {
  return readConfigSpace(host, address)?.header ?? undefined;
}
