// SPDX-License-Identifier: Apache-2.0

/** Network cards on a tap device of the host. libvirt: qemuInterfaceBridgeConnect, qemuInterfaceEthernetConnect. */
import { hostSideElements, type InterfaceOf, virtioNetworkModel } from "../../domain/devices/network-interface.ts";
import { unsupported } from "../../xml/complaint.ts";
import type { Build, Properties } from "./options.ts";

type TapCard = InterfaceOf<"bridge"> | InterfaceOf<"network"> | InterfaceOf<"ethernet">;

/**
 * `-netdev` of a card on a tap device: opened beforehand by a privileged daemon, else what QEMU can have by itself.
 *
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED` for what only root could set up, when there is no such daemon.
 */
export function tapProperties(build: Build, card: TapCard): Properties {
  const isVirtio = virtioNetworkModel(card) !== undefined;
  const queues = isVirtio ? Math.max(1, card.driver?.queues ?? 1) : 1;
  const vhost = isVirtio && card.driver?.name !== "qemu";
  const sndbuf = card.tune?.sndbuf;
  const open = build.environment.descriptors.tap;
  if (open === undefined) return ownTap(card);
  const { fds, vhostFds } = open(card.alias ?? "net0", queues, vhost);
  return {
    type: "tap",
    [queues > 1 ? "fds" : "fd"]: fds.join(":"),
    ...(vhost ? { vhost: true, [queues > 1 ? "vhostfds" : "vhostfd"]: vhostFds.join(":") } : {}),
    sndbuf,
  };
}

/** What an ordinary user has: the bridges that qemu-bridge-helper lends, and tap devices made for him. */
function ownTap(card: TapCard): Properties {
  const needsRoot = hostSideElements.find((name) => card[name] !== undefined);
  if (needsRoot !== undefined) {
    throw unsupported(card, `its <${needsRoot}> is set up on the host by root`, `no <${needsRoot}>`);
  }
  if (card.type === "network") {
    throw unsupported(
      card,
      `the network ${card.source.network} belongs to libvirt's system daemon`,
      `<interface type='bridge'> with the bridge of that network, or type='user'`,
    );
  }
  if (card.type === "bridge") return { type: "bridge", br: card.source.bridge };
  if (card.script !== undefined || card.downscript !== undefined)
    throw unsupported(card, "a <script> would need root", "no <script>");
  if (card.ips.length > 0 || card.routes.length > 0 || card.source !== undefined)
    throw unsupported(card, "addresses of the host's end are set by root", "no <ip> and no <route>");
  if (card.target?.dev === undefined || card.target.managed !== false) {
    throw unsupported(
      card,
      "only root can make a tap device",
      "<target dev='TAP' managed='no'/> with a tap device that is yours",
    );
  }
  return { type: "tap", ifname: card.target.dev, script: "no", downscript: "no", sndbuf: card.tune?.sndbuf };
}
