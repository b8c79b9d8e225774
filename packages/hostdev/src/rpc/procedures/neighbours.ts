// SPDX-License-Identifier: Apache-2.0
import { listReply, listRequest, network, secret, string } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { type Codec, i32, nothing, optional, struct } from "../xdr.ts";

const callback = struct({ callbackId: i32 });
const number = struct({ number: i32 });

/** Asks for events: of one object, or of all. */
export function registration<T>(number: number, object: Codec<T>) {
  return procedure(number, struct({ eventId: i32, object: optional(object) }), callback);
}

/** Networks, secrets, filters: what a connection has beside domains. */
export const neighbourProcedures = {
  connectNumOfNetworks: procedure(52, nothing, number),
  connectListAllNetworks: procedure(283, listRequest, listReply(network)),
  connectListAllNwfilters: procedure(286, listRequest, listReply(network)),
  connectListAllSecrets: procedure(287, listRequest, listReply(secret)),
  networkLookupByName: procedure(46, struct({ name: string }), struct({ network })),
  connectNetworkEventRegisterAny: registration(313, network),
  connectNetworkEventDeregisterAny: procedure(314, callback),
  connectSecretEventRegisterAny: registration(380, secret),
  connectSecretEventDeregisterAny: procedure(381, callback),
};
