// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { CapabilityKind } from "./capability-kind.ts";
import type { UdevDevice } from "./udev-device.ts";
import { capabilityElement, element, textElement } from "./xml-output.ts";

/** libvirt's names of offloads, in its order (`virNetDevFeature`), and ethtool's for all but two. */
const features = {
  rx: "rx-checksumming",
  tx: "tx-checksumming",
  sg: "scatter-gather",
  tso: "tcp-segmentation-offload",
  gso: "generic-segmentation-offload",
  gro: "generic-receive-offload",
  lro: "large-receive-offload",
  rxvlan: "rx-vlan-offload",
  txvlan: "tx-vlan-offload",
  ntuple: "ntuple-filters",
  rxhash: "receive-hashing",
  rdma: undefined,
  txudptnl: "tx-udp_tnl-segmentation",
} as const;
/** What a network interface's hardware does. */
export type NetFeature = keyof typeof features;

/** A network interface. */
export interface NetCapability {
  readonly type: "net";
  readonly interface: string;
  /** MAC address; some tunnels have none. */
  readonly address: string | undefined;
  readonly link: {
    /** The kernel's word, such as `up`, `lowerlayerdown`. */
    readonly state: string | undefined;
    /** Mbit/s; only of a link that is up, and not of all. */
    readonly speedMbps: number | undefined;
  };
  readonly features: readonly NetFeature[];
  readonly subtype: "80203" | "80211";
}

/**
 * libvirt: `udevProcessNetworkInterface`, `virNetDevGetLinkInfo`, `virNetDevGetFeatures`.
 * Of its features `switchdev` is missing: the kernel tells only root, over netlink.
 */
export const netKind: CapabilityKind<NetCapability> = {
  nameEnd: (device) => device.attribute("address"),
  read: async (device) => {
    const state = device.attribute("operstate");
    const speed = state === "up" ? (device.number("speed") ?? 0) : 0;
    return {
      type: "net",
      interface: device.sysname,
      address: device.attribute("address"),
      link: { state, speedMbps: speed > 0 ? speed : undefined },
      features: await readFeatures(device),
      subtype: device.devtype === "wlan" ? "80211" : "80203",
    };
  },
  format: ({ interface: name, address, link: { state, speedMbps }, features: list, subtype }) => [
    ...textElement("interface", name),
    ...textElement("address", address),
    ...(state === undefined ? [] : [element("link", { speed: speedMbps?.toString(), state })]),
    ...list.map((feature) => element("feature", { name: feature })),
    capabilityElement(subtype),
  ],
};

/** Offloads can be asked for by ioctl only, which Node lacks; ethtool has it. Without ethtool none are known. */
async function readFeatures({ host, path, sysname }: UdevDevice): Promise<readonly NetFeature[]> {
  const on = parseOffloads(await runEthtool(host, sysname));
  const hasRdma = host.status(`${path}/device/infiniband`) !== undefined;
  return (Object.keys(features) as NetFeature[]).filter((feature) =>
    feature === "rdma" ? hasRdma : on.has(features[feature] ?? ""),
  );
}

/** The offloads that are on, in the output of `ethtool -k`, whose lines are such as `scatter-gather: on [fixed]`. */
function parseOffloads(output: string): ReadonlySet<string> {
  return new Set([...output.matchAll(/^([\w-]+): on\b/gm)].map(([, name = ""]) => name));
}

async function runEthtool(host: Host, name: string): Promise<string> {
  if (name.startsWith("-")) return ""; // the kernel allows such names; ethtool would take it for an option
  try {
    return (await host.run("ethtool", ["-k", name])).stdout;
  } catch (error) {
    if (isHostdevError(error, "HD_COMMAND_NOT_FOUND")) return "";
    throw error;
  }
}
