// SPDX-License-Identifier: Apache-2.0
import { hostInterface, listReply, listRequest, string } from "../objects.ts";
import { procedure } from "../procedure.ts";
import { flag, struct, u32 } from "../xdr.ts";

const found = struct({ interface: hostInterface });

/** Network interfaces of the host. */
export const hostInterfaceProcedures = {
  interfaceLookupByName: procedure(128, struct({ name: string }), found),
  interfaceLookupByMac: procedure(129, struct({ mac: string }), found),
  interfaceGetXmlDesc: procedure(130, struct({ interface: hostInterface, flags: u32 }), struct({ xml: string })),
  interfaceIsActive: procedure(156, found, struct({ active: flag })),
  connectListAllInterfaces: procedure(284, listRequest, listReply(hostInterface)),
};
