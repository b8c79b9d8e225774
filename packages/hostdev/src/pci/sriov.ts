// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { pciDevices, readLinkedAddress, readNumber } from "./sysfs.ts";

/** A virtual function and its number among those of its PF, from 0 on. */
export interface VirtualFunction {
  readonly index: number;
  readonly address: string;
}

/** A PF's virtual functions, or a VF's place among them. */
export type Sriov =
  | {
      readonly role: "physical";
      /** How many there can be, and how many there are. */
      readonly totalVfs: number;
      readonly numVfs: number;
      readonly virtualFunctions: readonly VirtualFunction[];
    }
  | {
      readonly role: "virtual";
      readonly physicalFunction: string;
      /** `null` when the PF does not list it (any more). */
      readonly index: number | null;
    };

/**
 * Reads a function's part in SR-IOV; `null` when it has none.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/` and the PF's. Needs: nothing.
 * @see https://docs.kernel.org/PCI/pci-iov-howto.html
 */
export function readSriov(host: Host, address: string): Sriov | null {
  const path = `${pciDevices}/${address}`;
  const physicalFunction = readLinkedAddress(host, `${path}/physfn`);
  if (physicalFunction !== undefined) {
    const siblings = readVirtualFunctions(host, physicalFunction);
    return { role: "virtual", physicalFunction, index: siblings.find((vf) => vf.address === address)?.index ?? null };
  }
  const totalVfs = readNumber(host, `${path}/sriov_totalvfs`);
  if (totalVfs === undefined) return null;
  const numVfs = readNumber(host, `${path}/sriov_numvfs`) ?? 0;
  return { role: "physical", totalVfs, numVfs, virtualFunctions: readVirtualFunctions(host, address) };
}

function readVirtualFunctions(host: Host, physicalFunction: string): readonly VirtualFunction[] {
  const path = `${pciDevices}/${physicalFunction}`;
  const found = (host.list(path) ?? []).flatMap((name) => {
    const index = /^virtfn(\d+)$/.exec(name)?.[1];
    const address = index === undefined ? undefined : readLinkedAddress(host, `${path}/${name}`);
    return address === undefined ? [] : [{ index: Number(index), address }];
  });
  return found.sort((a, b) => a.index - b.index);
}
