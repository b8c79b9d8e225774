// SPDX-License-Identifier: Apache-2.0
import { errorCode, libvirtError } from "../../rpc/error-payload.ts";
import type { ClientHandlers } from "./client.ts";

const empty = () => ({ items: [], count: 0 });
const none = () => ({ number: 0 });

/**
 * What a libvirt connection has beside domains, and a session of hostdev has none of: the lists are empty, which is
 * true, and nothing ever happens there. Clients such as cockpit-machines give up when a list is refused.
 */
export const neighbourHandlers: ClientHandlers = {
  connectNumOfNetworks: none,
  connectListAllNetworks: empty,
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
