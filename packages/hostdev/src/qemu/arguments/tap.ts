// SPDX-License-Identifier: Apache-2.0

/** Network cards on a tap device of the host. libvirt: qemuInterfaceBridgeConnect, qemuInterfaceEthernetConnect. */
import { findController } from "../../domain/controllers.ts";
import {
  hostSideElements,
  type InterfaceOf,
  type NetworkInterface,
  virtioNetworkModel,
} from "../../domain/devices/network-interface.ts";
import { unsupported } from "../../xml/complaint.ts";
import type { QemuEnvironment } from "../environment.ts";
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
  if (open === undefined) return ownTap(build, card, queues, vhost);
  const { fds, vhostFds } = open(card.alias ?? "net0", queues, vhost);
  return {
    type: "tap",
    [queues > 1 ? "fds" : "fd"]: fds.join(":"),
    ...(vhost ? { vhost: true, [queues > 1 ? "vhostfds" : "vhostfd"]: vhostFds.join(":") } : {}),
    sndbuf,
  };
}

/** Whether the card is plugged in when QEMU is there: its tap device is lent then, over the monitor. */
export function comesLater({ descriptors }: QemuEnvironment, card: NetworkInterface): card is InterfaceOf<"bridge"> {
  return card.type === "bridge" && descriptors.tap === undefined;
}

/** What an ordinary user has: the bridges that qemu-bridge-helper lends, and tap devices made for him. */
function ownTap(build: Build, card: TapCard, queues: number, wantsVhost: boolean): Properties {
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
  const vhost = wantsVhost && hasVhost(build, card) ? true : undefined;
  if (card.type === "bridge") {
    if (queues > 1) throw unsupported(card, "a bridge is lent to a user with one queue", "no queues='...'");
    assertHotPluggable(build, card);
    return { type: "tap", fd: `host${card.alias}`, vhost, sndbuf: card.tune?.sndbuf };
  }
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
  return { type: "tap", ifname: card.target.dev, script: "no", downscript: "no", vhost, sndbuf: card.tune?.sndbuf };
}

/** The kernel's part of a virtio card, if the user may have it; as libvirt, only a card that demands it is refused. */
function hasVhost({ environment }: Build, card: TapCard): boolean {
  if (environment.hasVhostNet === true) return true;
  if (card.driver?.name !== "vhost") return false;
  throw unsupported(card, "/dev/vhost-net is not yours to use", "<driver name='qemu'/>, or no <driver name='vhost'/>");
}

/** A card that comes when QEMU is there cannot be a part of the chipset. */
function assertHotPluggable({ domain }: Build, card: InterfaceOf<"bridge">): void {
  if (card.address?.type !== "pci") return;
  const { bus } = card.address;
  const model = findController(domain, "pci", bus)?.model;
  const isFixed = model === "pcie-root" || model === "dmi-to-pci-bridge" || card.address.function !== 0;
  if (isFixed)
    throw unsupported(
      card,
      `a card on a bridge cannot be plugged in at that place (${model})`,
      "no <address>, or function 0 on a pcie-root-port",
    );
}
