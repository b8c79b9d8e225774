// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import { readAttribute } from "../../pci/sysfs.ts";
import { errorCode, libvirtError } from "../../rpc/error-payload.ts";
import type { ClientHandlers } from "./client.ts";

/** `VIR_CONNECT_LIST_INTERFACES_ACTIVE`; 1 is INACTIVE. */
const activeInterfaces = 2;

const empty = () => ({ items: [], count: 0 });
const none = () => ({ number: 0 });

/** The host's network interfaces, as libvirt's udev driver sees them. */
function readInterfaces(host: Host) {
  return (host.list("/sys/class/net") ?? []).flatMap((name) => {
    const mac = readAttribute(host, `/sys/class/net/${name}/address`);
    const isActive = readAttribute(host, `/sys/class/net/${name}/operstate`) === "up";
    return mac === undefined ? [] : [{ name, mac, isActive }];
  });
}

/**
 * What a libvirt connection has beside domains, and a session of hostdev has none of: the lists are empty, which is
 * true, and nothing ever happens there. Clients such as cockpit-machines give up when a list is refused.
 */
export const neighbourHandlers: ClientHandlers = {
  connectNumOfNetworks: none,
  connectListAllNetworks: empty,
  connectListAllInterfaces: ({ host }, { needResults, flags }) => {
    const wantsAll = (flags & 3) === 0 || (flags & 3) === 3;
    const items = readInterfaces(host)
      .filter(({ isActive }) => wantsAll || isActive === ((flags & activeInterfaces) !== 0))
      .map(({ name, mac }) => ({ name, mac }));
    return { items: needResults ? items : [], count: items.length };
  },
  interfaceIsActive: ({ host }, { interface: { name } }) => ({
    active: readInterfaces(host).some((found) => found.name === name && found.isActive),
  }),
  connectListAllNwfilters: empty,
  connectListAllSecrets: empty,
  networkLookupByName: (_client, { name }) => {
    throw libvirtError(errorCode.noNetwork, 19, "Network not found: ", `no network with matching name '${name}'`);
  },
  connectNetworkEventRegisterAny: ({ registrations }, { eventId }) => ({
    callbackId: registrations.add("network", eventId),
  }),
  connectNetworkEventDeregisterAny: ({ registrations }, { callbackId }) => registrations.remove("network", callbackId),
  connectSecretEventRegisterAny: ({ registrations }, { eventId }) => ({
    callbackId: registrations.add("secret", eventId),
  }),
  connectSecretEventDeregisterAny: ({ registrations }, { callbackId }) => registrations.remove("secret", callbackId),
};
