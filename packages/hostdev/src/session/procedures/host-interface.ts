// SPDX-License-Identifier: Apache-2.0
import { errorCode, errorDomain, libvirtError } from "../../rpc/error-payload.ts";
import { type HostInterface, hostInterfaceXml, readHostInterfaces, readInterface } from "../machine/host-interface.ts";
import type { ClientHandlers } from "./client.ts";
import { checkFlags } from "./libvirt-errors.ts";

/** `VIR_CONNECT_LIST_INTERFACES_ACTIVE`; 1 is INACTIVE. */
const activeInterfaces = 2;
/** `VIR_INTERFACE_XML_INACTIVE`: how it is set up to be, of which the kernel knows no more. */
const inactiveXml = 1;

/** The host's network interfaces, of which clients offer some for a guest's network. */
export const hostInterfaceHandlers: ClientHandlers = {
  connectListAllInterfaces: ({ host }, { needResults, flags }) => {
    const wantsAll = (flags & 3) === 0 || (flags & 3) === 3;
    const items = readHostInterfaces(host)
      .filter(({ isActive }) => wantsAll || isActive === ((flags & activeInterfaces) !== 0))
      .map(({ name, mac }) => ({ name, mac }));
    return { items: needResults ? items : [], count: items.length };
  },
  interfaceLookupByName: ({ host }, { name }) => ({
    interface: found(readInterface(host, name), `named '${name}'`),
  }),
  interfaceLookupByMac: ({ host }, { mac }) => ({
    interface: found(
      readHostInterfaces(host).find((each) => each.mac.toLowerCase() === mac.toLowerCase()),
      `with MAC address '${mac}'`,
    ),
  }),
  interfaceGetXmlDesc: ({ host }, { interface: { name }, flags }) => {
    checkFlags(flags, inactiveXml);
    return { xml: hostInterfaceXml(host, found(readInterface(host, name), `named '${name}'`)) };
  },
  interfaceIsActive: ({ host }, { interface: { name } }) => ({
    active: found(readInterface(host, name), `named '${name}'`).isActive,
  }),
};

function found(host: HostInterface | undefined, what: string): HostInterface {
  if (host !== undefined) return host;
  const text = `couldn't find interface ${what}`;
  throw libvirtError(errorCode.noInterface, errorDomain.interface, "Interface not found: ", text);
}
