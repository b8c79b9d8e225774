// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { isHostdevError } from "../../src/core/errors.ts";
import type { Host } from "../../src/core/host.ts";

/** An ordinary user's view of the machine. */
export type UserView = Pick<
  Host,
  "self" | "readText" | "readBytes" | "readLink" | "list" | "status" | "canAccess" | "tryOpen" | "writeKernel" | "run"
>;

/** A process that holds what a subject was asked to hold. */
export interface Held {
  readonly pid: number;
  release(): Promise<void>;
}

/**
 * The machine under test: a `FakeMachine`, or the lab's real kernel. Modules `vfio-pci` and `pci-stub` are loaded, and
 * nothing of it is lent.
 */
export interface KernelSubject {
  /** Root. */
  readonly host: Host;
  /** An ordinary user, not root. */
  readonly user: UserView;
  /** A PCI Express endpoint alone in its group, on its native driver, that can be reset and put to sleep. */
  readonly lone: { readonly address: string; readonly driver: string; readonly group: number };
  /** Conventional endpoints of one group: the first on its native driver, the second without any, and without reset. */
  readonly shared: {
    readonly addresses: readonly [string, string, ...string[]];
    readonly driver: string;
    readonly group: number;
  };
  /** A root port with nothing behind it, on pcieport. */
  readonly bridge: string;
  /** A PCIe-to-PCI bridge. */
  readonly pciBridge: string;
  /** A function that can have virtual ones, and has none; on its native driver. */
  readonly physical: string;
  /** Opens a group node in another process of root's, without a container. Rejects, naming the errno. */
  openGroup(group: number): Promise<Held>;
  /** As `openGroup`, and puts it into a container. */
  claimGroup(group: number): Promise<Held>;
  /** As `claimGroup`, and opens this device. */
  openDevice(group: number, address: string): Promise<Held>;
  /** `VFIO_GROUP_GET_STATUS`, from another process. */
  isViable(group: number): Promise<boolean>;
}

/** Gives the subject of a suite: the same at each call. */
export type GetSubject = () => Promise<KernelSubject>;

/** Where the PCI bus is in sysfs. */
export const sysfs = "/sys/bus/pci";

/** The directory of a function. */
export function device(address: string): string {
  return `${sysfs}/devices/${address}`;
}

/** The name of the bound driver; `undefined` without one. */
export function driverOf(host: Pick<Host, "readLink">, address: string): string | undefined {
  return host
    .readLink(`${device(address)}/driver`)
    ?.split("/")
    .at(-1);
}

/** Binds by override, unbind, probe, as our upper layers do; `undefined` clears the override. */
export async function rebind(host: Host, address: string, driver: string | undefined): Promise<void> {
  await host.writeKernel(`${device(address)}/driver_override`, driver ?? "\n");
  if (driverOf(host, address) !== undefined) await host.writeKernel(`${device(address)}/driver/unbind`, address);
  await host.writeKernel(`${sysfs}/drivers_probe`, address);
}

/** Runs a test that changes drivers of these functions, and puts drivers and overrides back however it ends. */
export async function restored(host: Host, addresses: readonly string[], act: () => Promise<void>): Promise<void> {
  const before = addresses.map((address) => ({ address, driver: driverOf(host, address) }));
  try {
    await act();
  } finally {
    for (const { address, driver } of before) {
      await host.writeKernel(`${device(address)}/driver_override`, "\n");
      const now = driverOf(host, address);
      if (now !== undefined && now !== driver) await host.writeKernel(`${device(address)}/driver/unbind`, address);
      if (now !== driver) await host.writeKernel(`${sysfs}/drivers_probe`, address);
    }
  }
}

/** Runs `act` while something is held, and lets go however it ends. */
export async function whileHeld(holding: Promise<Held>, act: (held: Held) => Promise<void>): Promise<void> {
  const held = await holding;
  try {
    await act(held);
  } finally {
    await held.release();
  }
}

/** Waits until something is so that others bring about: half a minute at most. */
export async function eventually(host: Host, isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo() && tries < 300; tries++) await host.sleep(100);
  assert.ok(isSo());
}

/** Whether a driver has the function: one whose unbind hangs still does, though its link is gone. */
export function hasDriver(host: Host, address: string): boolean {
  return /^DRIVER=/.test(host.readText(`${device(address)}/uevent`) ?? "");
}

/** Matches a refused write to a control file. */
export function refused(errno: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isHostdevError(error, "HD_KERNEL_WRITE"), String(error));
    assert.equal(error.details.errno, errno);
    return true;
  };
}
