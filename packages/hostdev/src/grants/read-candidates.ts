// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import { readFunctionIdentity, readSerialNumbers, type SerialNumbers } from "../pci/identity.ts";
import type { Grant } from "./grant.ts";
import type { Candidate } from "./resolve.ts";

const notRead: SerialNumbers = { device: null, nvme: null, mac: [] };

/**
 * Reads what `resolveGrant` compares grants with: all endpoints of the machine.
 *
 * Serial numbers only of those that have the ids of something lent: reading config space can wake a device.
 * Touches: reads sysfs. Needs: root, or else there are fewer serial numbers to compare.
 */
export function readCandidates(host: Host, grants: readonly Grant[]): readonly Candidate[] {
  const key = (ids: { readonly vendorId: number; readonly deviceId: number }) => `${ids.vendorId}:${ids.deviceId}`;
  const lent = new Set(grants.flatMap(({ endpoints }) => endpoints.map(({ identity }) => key(identity))));
  return enumerateFunctions(host).flatMap((fn) => {
    if (fn.isBridge) return [];
    const serials = lent.has(key(fn)) ? readSerialNumbers(host, fn.address) : notRead;
    const identity = readFunctionIdentity(host, fn.address, serials);
    return identity === undefined ? [] : [{ address: fn.address, group: fn.group, identity }];
  });
}
