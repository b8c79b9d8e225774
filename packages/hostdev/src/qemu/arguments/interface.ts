// SPDX-License-Identifier: Apache-2.0

/** `-netdev` and the network cards on them. libvirt: qemuBuildHostNetProps, qemuBuildNicDevProps. */
import {
  type InterfaceOf,
  multiqueueTypes,
  type NetworkInterface,
  virtioNetworkModel,
} from "../../domain/devices/network-interface.ts";
import { invalid, unsupported } from "../../xml/complaint.ts";
import { addressProperties, romProperties, virtioDriver, virtioProperties } from "./address.ts";
import { bootIndex } from "./boot-order.ts";
import { reconnectOption } from "./character-device.ts";
import { type Build, deviceArgument, json, keyValues, type Properties } from "./options.ts";
import { tapProperties } from "./tap.ts";

/** One interface; those that are host devices come with the host devices. */
export function interfaceArguments(build: Build, card: NetworkInterface): string[] {
  if (card.type === "hostdev") return [];
  const { args, properties } = backend(build, card);
  const id = `host${card.alias}`;
  return [...args, "-netdev", json({ ...properties, id }), ...cardArgument(build, card, id)];
}

interface Backend {
  /** What comes before. */
  readonly args: string[];
  readonly properties: Properties;
}

function backend(build: Build, card: Exclude<NetworkInterface, { type: "hostdev" }>): Backend {
  switch (card.type) {
    case "user":
      return card.backend?.type === "passt" ? passt(build, card) : { args: [], properties: userProperties(card) };
    case "vhostuser":
      return vhostUser(build, card);
    case "bridge":
    case "network":
    case "ethernet":
      return { args: [], properties: tapProperties(build, card) };
    case "vdpa":
      return vdpa(build, card);
    case "server":
      return { args: [], properties: { type: "socket", listen: socketAddress(card) } };
    case "client":
      return { args: [], properties: { type: "socket", connect: socketAddress(card) } };
    case "mcast":
      return { args: [], properties: { type: "socket", mcast: socketAddress(card) } };
    case "udp": {
      const { local } = card.source;
      if (local === undefined) throw invalid(card.source, "an interface of type udp needs a <local>");
      const localaddr = `${local.address ?? ""}:${local.port}`;
      return { args: [], properties: { type: "socket", udp: socketAddress(card), localaddr } };
    }
    case "null":
      return { args: [], properties: { type: "hubport", hubid: 0 } };
  }
}

function socketAddress(card: InterfaceOf<"server" | "client" | "mcast" | "udp">): string {
  return `${card.source.address ?? ""}:${card.source.port}`;
}

function userProperties(card: InterfaceOf<"user">): Properties {
  if (card.portForwards.length > 0) {
    throw unsupported(card, "<portForward> needs passt", "portForward with <backend type='passt'/>");
  }
  const properties: Record<string, string | number> = { type: "user" };
  if (card.source?.dev !== undefined) {
    throw unsupported(
      card,
      "a device of the host to go out by needs passt",
      "<source dev='...'/> with <backend type='passt'/>",
    );
  }
  for (const { address, family = "ipv4", prefix } of card.ips) {
    if (family === "ipv4") properties["net"] = prefix === undefined ? address : `${address}/${prefix}`;
    else {
      properties["ipv6-prefix"] = address;
      if (prefix !== undefined) properties["ipv6-prefixlen"] = prefix;
    }
  }
  return properties;
}

function passt(build: Build, card: InterfaceOf<"user">): Backend {
  const path = build.environment.passtSocket(card.alias ?? "net0");
  const addr = { type: "unix", path };
  const { reconnectMs, streamReconnect } = build.environment.capabilities;
  const again = reconnectMs ? { "reconnect-ms": 5000 } : streamReconnect ? { reconnect: 5 } : {};
  return { args: [], properties: { type: "stream", addr, server: false, ...again } };
}

/** A network card that does virtio by itself: QEMU talks to its node in /dev. */
function vdpa(build: Build, card: InterfaceOf<"vdpa">): Backend {
  const open = build.environment.descriptors.vdpa;
  const queues = card.driver?.queues;
  const more = { queues: queues !== undefined && queues > 1 ? queues : undefined };
  if (open === undefined) return { args: [], properties: { type: "vhost-vdpa", vhostdev: card.source.dev, ...more } };
  const set = build.fdSets.next++;
  return {
    args: ["-add-fd", `set=${set},fd=${open(card.source.dev)},opaque=${card.alias}-vdpa`],
    properties: { type: "vhost-vdpa", vhostdev: `/dev/fdset/${set}`, ...more },
  };
}

function vhostUser(build: Build, card: InterfaceOf<"vhostuser">): Backend {
  const chardev = `char${card.alias}`;
  const isPasst = card.backend?.type === "passt";
  const path = isPasst ? build.environment.passtSocket(card.alias ?? "net0") : card.source?.path;
  if (path === undefined) throw invalid(card, "an interface of type vhostuser needs a <source> with a path");
  const reconnect = isPasst ? { enabled: true, timeoutSeconds: 5 } : card.source?.reconnect;
  const server = card.source?.mode === "server" ? true : undefined;
  const options = { id: chardev, path, server, ...reconnectOption(build, reconnect) };
  const queues = card.driver?.queues;
  return {
    args: ["-chardev", keyValues("socket", options)],
    properties: { type: "vhost-user", chardev, queues: queues !== undefined && queues > 1 ? queues : undefined },
  };
}

function cardArgument(build: Build, card: Exclude<NetworkInterface, { type: "hostdev" }>, netdev: string): string[] {
  const flavour = virtioNetworkModel(card);
  const { driver } = card;
  const queues = driver?.queues ?? 0;
  const usesQueues = queues > 1 && multiqueueTypes.includes(card.type);
  const virtio: Properties =
    flavour === undefined
      ? {}
      : {
          ...virtioProperties(driver),
          tx: driver?.txmode === undefined ? undefined : driver.txmode === "iothread" ? "bh" : "timer",
          ioeventfd: driver?.ioeventfd,
          event_idx: driver?.eventIdx,
          csum: driver?.host?.csum,
          gso: driver?.host?.gso,
          host_tso4: driver?.host?.tso4,
          host_tso6: driver?.host?.tso6,
          host_ecn: driver?.host?.ecn,
          host_ufo: driver?.host?.ufo,
          mrg_rxbuf: driver?.host?.mrgRxbuf,
          guest_csum: driver?.guest?.csum,
          guest_tso4: driver?.guest?.tso4,
          guest_tso6: driver?.guest?.tso6,
          guest_ecn: driver?.guest?.ecn,
          guest_ufo: driver?.guest?.ufo,
          ...(usesQueues ? { mq: true, vectors: 2 * queues + 2 } : {}),
          rss: driver?.rss,
          hash: driver?.rssHashReport,
          rx_queue_size: driver?.rxQueueSize,
          tx_queue_size: driver?.txQueueSize,
          host_mtu: card.mtu,
          failover: card.teaming?.type === "persistent" ? true : undefined,
        };
  return deviceArgument(build, {
    driver: flavour === undefined ? card.model : virtioDriver("virtio-net", flavour),
    ...virtio,
    netdev,
    id: card.alias,
    mac: card.mac,
    bootindex: bootIndex(build.domain, card),
    ...addressProperties(build.domain, card),
    ...romProperties(card),
  });
}
