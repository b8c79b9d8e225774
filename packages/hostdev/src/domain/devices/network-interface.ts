// SPDX-License-Identifier: Apache-2.0

import { raw } from "../../xml/raw.ts";
/** `<interface>`: network cards and what they are connected to. */
import {
  attribute,
  child,
  childAttribute,
  type Fields,
  type Infer,
  leaf,
  list,
  meaningless,
  object,
  required,
  unlessEmpty,
  variants,
} from "../../xml/schema.ts";
import { integer, macAddress, matching, oneOf, onOff, path, someText, uuid, yesNo } from "../../xml/values.ts";
import { romInfo, virtioOptions } from "./device-info.ts";
import { hostPciAddress } from "./host-device.ts";
import { reconnect } from "./storage-source.ts";

const mac = childAttribute("mac", "address", macAddress);

const driver = child(
  "driver",
  object({
    name: attribute("name", oneOf("qemu", "vhost")),
    txmode: attribute("txmode", oneOf("iothread", "timer")),
    ioeventfd: attribute("ioeventfd", onOff),
    eventIdx: attribute("event_idx", onOff),
    queues: attribute("queues", integer(0, 65535)),
    rxQueueSize: attribute("rx_queue_size", integer(256, 1024)),
    txQueueSize: attribute("tx_queue_size", integer(256, 1024)),
    rss: attribute("rss", onOff),
    rssHashReport: attribute("rss_hash_report", onOff),
    ...virtioOptions,
    host: child(
      "host",
      object({
        csum: attribute("csum", onOff),
        gso: attribute("gso", onOff),
        tso4: attribute("tso4", onOff),
        tso6: attribute("tso6", onOff),
        ecn: attribute("ecn", onOff),
        ufo: attribute("ufo", onOff),
        mrgRxbuf: attribute("mrg_rxbuf", onOff),
      }),
    ),
    guest: child(
      "guest",
      object({
        csum: attribute("csum", onOff),
        tso4: attribute("tso4", onOff),
        tso6: attribute("tso6", onOff),
        ecn: attribute("ecn", onOff),
        ufo: attribute("ufo", onOff),
      }),
    ),
  }),
);

const modelName = matching(/^[A-Za-z0-9._-]{1,63}$/, "a name of letters, digits, '.', '_' and '-'");
const model = childAttribute("model", "type", modelName);
const mtu = childAttribute("mtu", "size", integer(1, 65535));
const link = childAttribute("link", "state", oneOf("up", "down"));
const teaming = child(
  "teaming",
  object({
    type: required(attribute("type", oneOf("persistent", "transient"))),
    persistent: attribute("persistent", someText),
  }),
);
const ip = list(
  "ip",
  object({
    address: required(attribute("address", someText)),
    family: attribute("family", oneOf("ipv4", "ipv6")),
    prefix: attribute("prefix", integer(0, 128)),
  }),
);
const portForward = list(
  "portForward",
  object({
    proto: required(attribute("proto", oneOf("tcp", "udp"))),
    address: attribute("address", someText),
    dev: attribute("dev", someText),
    ranges: list(
      "range",
      object({
        start: attribute("start", integer(0, 65535)),
        end: attribute("end", integer(0, 65535)),
        to: attribute("to", integer(0, 65535)),
        exclude: attribute("exclude", yesNo),
      }),
    ),
  }),
);
const passt = child(
  "backend",
  object({ type: attribute("type", oneOf("default", "passt")), logFile: attribute("logFile", path) }),
);
const tapTarget = child("target", object({ dev: attribute("dev", someText), managed: attribute("managed", yesNo) }));
const sndbuf = child("tune", object({ sndbuf: leaf("sndbuf", integer(0)) }));
const hostAddress = {
  ips: ip,
  routes: list("route", raw),
};

/** What a privileged daemon does on the host's side of a tap device; no argument of QEMU carries it. */
const hostSide = {
  trustGuestRxFilters: attribute("trustGuestRxFilters", yesNo),
  vlan: child("vlan", raw),
  virtualport: child("virtualport", raw),
  port: child("port", raw),
  filterref: child("filterref", raw),
  bandwidth: child("bandwidth", raw),
  coalesce: child("coalesce", raw),
  backend: child("backend", object({ tap: attribute("tap", path), vhost: attribute("vhost", path) })),
} satisfies Fields;

/** The names of what `hostSide` has, as the user wrote them. */
export const hostSideElements = [
  "vlan",
  "virtualport",
  "port",
  "filterref",
  "bandwidth",
  "coalesce",
  "backend",
] as const;

const socketSource = {
  source: required(
    child(
      "source",
      object({
        address: attribute("address", someText),
        port: required(attribute("port", integer(0, 65535))),
        local: child(
          "local",
          object({ address: attribute("address", someText), port: required(attribute("port", integer(0, 65535))) }),
        ),
      }),
    ),
  ),
};

const card = { model, driver };
const plain = { mac, ...card, link, mtu, teaming, ...romInfo } satisfies Fields;
const socket = { mac, ...socketSource, ...card, link, mtu, teaming, ...romInfo } satisfies Fields;

/** `<interface>`. */
export const networkInterface = variants("type", {
  user: {
    mac,
    // cockpit gives each network card the mode of a macvtap.
    source: unlessEmpty(
      child("source", object({ dev: attribute("dev", someText), mode: meaningless(attribute("mode", someText)) })),
    ),
    ips: ip,
    portForwards: portForward,
    ...card,
    backend: passt,
    link,
    mtu,
    teaming,
    ...romInfo,
  },
  bridge: {
    mac,
    source: required(child("source", object({ bridge: required(attribute("bridge", someText)) }))),
    target: tapTarget,
    ...card,
    tune: sndbuf,
    ...hostSide,
    link,
    mtu,
    teaming,
    ...romInfo,
  },
  network: {
    mac,
    source: required(
      child(
        "source",
        object({
          network: required(attribute("network", someText)),
          portgroup: attribute("portgroup", someText),
          portid: attribute("portid", uuid),
          bridge: attribute("bridge", someText),
        }),
      ),
    ),
    target: tapTarget,
    ...card,
    tune: sndbuf,
    ...hostSide,
    link,
    mtu,
    teaming,
    ...romInfo,
  },
  ethernet: {
    mac,
    source: child("source", object(hostAddress)),
    ...hostAddress,
    script: childAttribute("script", "path", path),
    downscript: childAttribute("downscript", "path", path),
    target: tapTarget,
    ...card,
    tune: sndbuf,
    ...hostSide,
    link,
    mtu,
    teaming,
    ...romInfo,
  },
  vdpa: {
    mac,
    source: required(child("source", object({ dev: required(attribute("dev", path)) }))),
    ...card,
    link,
    mtu,
    teaming,
    ...romInfo,
  },
  hostdev: {
    managed: attribute("managed", yesNo),
    mac,
    driverName: childAttribute("driver", "name", oneOf("vfio")),
    source: required(child("source", object({ address: hostPciAddress }))),
    vlan: child("vlan", raw),
    virtualport: child("virtualport", raw),
    model,
    teaming,
    ...romInfo,
  },
  vhostuser: {
    mac,
    source: child(
      "source",
      object({
        type: attribute("type", oneOf("unix")),
        path: attribute("path", path),
        mode: attribute("mode", oneOf("server", "client")),
        dev: attribute("dev", someText),
        reconnect,
      }),
    ),
    target: child("target", object({ dev: attribute("dev", someText) })),
    ips: ip,
    portForwards: portForward,
    ...card,
    backend: passt,
    link,
    mtu,
    teaming,
    ...romInfo,
  },
  server: socket,
  client: socket,
  mcast: socket,
  udp: socket,
  null: plain,
});

export type NetworkInterface = Infer<typeof networkInterface>;
export type InterfaceType = NetworkInterface["type"];
export type InterfaceOf<T extends InterfaceType> = Extract<NetworkInterface, { type: T }>;

/** Whose backend can serve several queues of a virtio card. */
export const multiqueueTypes: readonly InterfaceType[] = ["bridge", "network", "ethernet", "vhostuser", "vdpa"];

/** The flavour of a virtio card, whatever the case it was written in; `undefined` for other cards. */
export function virtioNetworkModel(
  card: NetworkInterface,
): "virtio" | "virtio-transitional" | "virtio-non-transitional" | undefined {
  const name = card.model?.toLowerCase();
  return name === "virtio" || name === "virtio-transitional" || name === "virtio-non-transitional" ? name : undefined;
}
