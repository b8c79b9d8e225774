// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { compareAddresses } from "./address.ts";
import { parseDevicePath, readRealPath } from "./device-path.ts";
import type { PciFunction } from "./pci-function.ts";

/** A function in the tree, with what is behind it when it is a bridge. In address order. */
export interface TopologyNode {
  readonly address: string;
  readonly children: readonly TopologyNode[];
}

/** A root bus, with all that is on it. */
export interface RootBus {
  /** Its name in sysfs, `pci0000:00`. */
  readonly name: string;
  /** The function that it hangs on (VMD); `null` for the usual. */
  readonly parent: string | null;
  readonly children: readonly TopologyNode[];
}

/**
 * Reads the tree of root buses, bridges and functions.
 *
 * Touches: reads one link per function in `/sys/bus/pci/devices`. Needs: nothing.
 * @param functions what `enumerateFunctions` gave; one that has vanished since is left out.
 */
export function readTopology(host: Host, functions: readonly Pick<PciFunction, "address">[]): readonly RootBus[] {
  const places = functions.map(({ address }) => ({ address, realPath: readRealPath(host, address) }));
  return buildTopology(places.flatMap(({ realPath }) => (realPath === undefined ? [] : [realPath])));
}

type Growing<T> = Omit<T, "children"> & { readonly children: Growing<TopologyNode>[] };

/**
 * Builds the tree from functions' paths in sysfs (links resolved), in any order. Bridges that are in a path only, since
 * they vanished or were not asked for, get their nodes too.
 *
 * Pure. Cost: linear, but for sorting the children of each node.
 */
export function buildTopology(realPaths: readonly string[]): readonly RootBus[] {
  const rootBuses = new Map<string, Growing<RootBus>>();
  const nodes = new Map<string, Growing<TopologyNode>>();
  for (const path of realPaths) {
    const place = parseDevicePath(path);
    if (place === undefined) continue;
    let rootBus = rootBuses.get(place.rootBus);
    if (rootBus === undefined) {
      rootBus = { name: place.rootBus, parent: place.rootBusParent, children: [] };
      rootBuses.set(place.rootBus, rootBus);
    }
    let { children } = rootBus;
    for (const address of [...place.bridges, place.address]) {
      let node = nodes.get(address);
      if (node === undefined) {
        node = { address, children: [] };
        nodes.set(address, node);
        children.push(node);
      }
      children = node.children;
    }
  }
  for (const { children } of [...rootBuses.values(), ...nodes.values()]) {
    children.sort((a, b) => compareAddresses(a.address, b.address));
  }
  return [...rootBuses.values()].sort((a, b) => compareAddresses(a.name, b.name));
}
