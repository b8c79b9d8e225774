// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import type { Host } from "../core/host.ts";
import { tryParsePciAddress } from "./address.ts";
import { pciDevices } from "./sysfs.ts";

/** A function's place below its host bridge. */
export interface DevicePath {
  /** Sysfs name of the root bus, such as `pci0000:00`: PCI domain and bus number. */
  readonly rootBus: string;
  /** Addresses of the bridges above, from the root bus down. */
  readonly bridges: readonly string[];
  readonly address: string;
  /** The function that the root bus hangs on (VMD); `null` for the usual, a root bus of the machine itself. */
  readonly rootBusParent: string | null;
}

/**
 * Where a function is in sysfs, such as `/sys/devices/pci0000:00/0000:00:1c.0/0000:01:00.0`; `undefined` when there is
 * no such function.
 *
 * Touches: reads the link `/sys/bus/pci/devices/<address>`. Needs: nothing.
 */
export function readRealPath(host: Host, address: string): string | undefined {
  const target = host.readLink(`${pciDevices}/${address}`);
  return target === undefined ? undefined : posix.resolve(pciDevices, target);
}

/** Reads the place out of a path in sysfs; `undefined` for a path that has no root bus in it. Pure. */
export function parseDevicePath(realPath: string): DevicePath | undefined {
  const names = realPath.split("/");
  const root = names.findLastIndex((name) => /^pci[0-9a-f]{4,8}:[0-9a-f]{2}$/.test(name));
  const chain = names.slice(root + 1);
  const address = chain.pop();
  const rootBus = names[root];
  if (rootBus === undefined || address === undefined || tryParsePciAddress(address) === undefined) return undefined;
  const parent = names[root - 1] ?? "";
  return { rootBus, bridges: chain, address, rootBusParent: tryParsePciAddress(parent) === undefined ? null : parent };
}

/** A function's place, read and parsed; `undefined` when it is gone. Touches and needs as `readRealPath`. */
export function readDevicePath(host: Host, address: string): DevicePath | undefined {
  const path = readRealPath(host, address);
  return path === undefined ? undefined : parseDevicePath(path);
}
