// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { isolates } from "./acs.ts";
import { type Bridge, isConventional, readBridge } from "./bridge.ts";
import { type ConfigSpace, readConfigSpace } from "./config-space.ts";
import { readDevicePath } from "./device-path.ts";
import { describeAlone, describeReason, type GroupReason } from "./group-reason.ts";
import type { IommuGroup } from "./iommu-group.ts";

/** Why a group is as it is. */
export interface GroupExplanation {
  readonly group: number;
  /** Empty for a function that is alone. */
  readonly reasons: readonly GroupReason[];
  /** All of it as one paragraph. */
  readonly text: string;
  /** The functions whose config space would tell more; only root can read it. */
  readonly unread: readonly string[];
}

/**
 * Says why the members of a group are together, after the rule by which Linux groups (`pci_device_group`,
 * drivers/iommu/iommu.c): what is behind a conventional bridge has the bridge's requester id; what is behind a port
 * without ACS is grouped with the port; so are the functions of one device that have no ACS between them.
 *
 * ACS serves here as explanation only. VFIO asks the IOMMU group, never ACS, and so do we.
 *
 * Touches: reads `/sys/bus/pci/devices/` of the members and the bridges above. Needs: nothing; root makes what is
 * `likely` certain. Errors: none; what cannot be explained is a reason of kind `unknown`.
 */
export function explainGroup(host: Host, group: IommuGroup): GroupExplanation {
  const surroundings = look(host, group);
  const { bridges, configs } = surroundings;
  const found = [...bridgeReasons(surroundings), ...multiFunctionReasons(surroundings)];
  const known = found.filter((reason) => !found.some((other) => covers(other, reason)));
  const reasons = [...known, ...unknownReasons(group, known)].map((reason) => ({
    ...reason,
    text: describeReason(reason, bridges.get(reason.at), configs.get(reason.at)),
  }));
  const [first] = group.members;
  const above = [...bridges.keys()].map((address) => ({ address, config: configs.get(address) }));
  const alone = first === undefined ? "The group has no PCI functions." : describeAlone(first, above);
  const concerned =
    reasons.length === 0 ? bridges.keys() : reasons.filter(({ certainty }) => certainty === "likely").flatMap(deciding);
  return {
    group: group.number,
    reasons,
    text: reasons.length === 0 ? alone : reasons.map(({ text }) => text).join(" "),
    unread: [...new Set(concerned)].filter((address) => configs.get(address)?.complete === false).sort(),
  };
}

type Found = Omit<GroupReason, "text">;

/** A group, with what there is between it and the root. */
interface Surroundings {
  readonly group: IommuGroup;
  /** Per member, the addresses of the bridges above it, from the root bus down. */
  readonly above: ReadonlyMap<string, readonly string[]>;
  readonly bridges: ReadonlyMap<string, Bridge>;
  /** Of members and bridges. */
  readonly configs: ReadonlyMap<string, ConfigSpace>;
}

function look(host: Host, group: IommuGroup): Surroundings {
  const above = new Map(group.members.map(({ address }) => [address, readDevicePath(host, address)?.bridges ?? []]));
  const bridges = new Map<string, Bridge>();
  const configs = new Map<string, ConfigSpace>();
  for (const address of new Set([...[...above.values()].flat(), ...above.keys()])) {
    const config = readConfigSpace(host, address);
    if (config !== undefined) configs.set(address, config);
  }
  for (const chain of above.values()) {
    for (const [index, address] of chain.entries()) {
      const upper = bridges.get(chain[index - 1] ?? "");
      if (!bridges.has(address)) bridges.set(address, readBridge(host, address, configs.get(address), upper));
    }
  }
  return { group, above, bridges, configs };
}

function bridgeReasons({ group, above, bridges, configs }: Surroundings): readonly Found[] {
  return [...bridges.values()].flatMap((bridge): readonly Found[] => {
    const at = bridge.address;
    const isWithin = (address: string) => address === at || above.get(address)?.includes(at) === true;
    const members = group.members.map(({ address }) => address).filter(isWithin);
    if (members.length < 2) return [];
    if (isConventional(bridge)) return [{ kind: "conventional-bridge", at, members, certainty: bridge.certainty }];
    if (!members.includes(at)) return [];
    const config = configs.get(at);
    const isMultiFunction = config?.header?.isMultiFunction === true || !at.endsWith(".0");
    const isolation = isolates(config, isMultiFunction);
    // A port also joins the group of one above that lacks ACS: of those unread, only the topmost is sure to lack it.
    const isTopmost = above.get(at)?.some((upper) => above.has(upper)) !== true;
    if (isolation === true || (isolation === undefined && !isTopmost)) return [];
    return [{ kind: "port-without-acs", at, members, certainty: isolation === false ? "seen" : "likely" }];
  });
}

function multiFunctionReasons({ group, configs }: Surroundings): readonly Found[] {
  const devices = new Map<string, string[]>();
  for (const { address, physicalFunction } of group.members) {
    if (physicalFunction !== null) continue; // a VF's number says nothing about what device it is part of
    const device = address.slice(0, address.lastIndexOf("."));
    devices.set(device, [...(devices.get(device) ?? []), address]);
  }
  return [...devices.values()].flatMap((functions): readonly Found[] => {
    const isolation = (address: string) => isolates(configs.get(address), true);
    const members = functions.filter((address) => isolation(address) !== true);
    const [at] = members;
    if (at === undefined || members.length < 2) return [];
    const isSeen = members.every((address) => isolation(address) === false);
    return [{ kind: "multi-function", at, members, certainty: isSeen ? "seen" : "likely" }];
  });
}

/** Whether a conventional bus further up puts all of them together anyway. */
function covers(other: Found, reason: Found): boolean {
  const isFurtherUp = other.kind === "conventional-bridge" && !reason.members.includes(other.at);
  return other !== reason && isFurtherUp && reason.members.every((member) => other.members.includes(member));
}

/** One for all that no reason connects. */
function unknownReasons(group: IommuGroup, reasons: readonly Found[]): readonly Found[] {
  let parts = group.members.map(({ address }) => [address]);
  for (const { members } of reasons) {
    const touched = parts.filter((part) => part.some((address) => members.includes(address)));
    parts = [...parts.filter((part) => !touched.includes(part)), touched.flat()];
  }
  const members = parts.map((part) => part.sort()[0] ?? "").sort();
  return members.length < 2 ? [] : [{ kind: "unknown", at: members[0] ?? "", members, certainty: "likely" }];
}

/** Those whose config space decides about this reason. */
function deciding({ kind, at, members }: Found): readonly string[] {
  return kind === "multi-function" || kind === "unknown" ? members : [at];
}
