// SPDX-License-Identifier: Apache-2.0
import type { ClientHandlers } from "./client.ts";
import { findDomain } from "./domain-reference.ts";
import { impactOf } from "./domain-state.ts";
import { checkFlags } from "./libvirt-errors.ts";

const forceFlag = 4;

/** Devices that come to a domain, change and go. */
export const domainDeviceHandlers: ClientHandlers = {
  domainAttachDevice: ({ session }, { domain, xml }) => findDomain(session, domain).attachDevice(xml, "live"),
  domainAttachDeviceFlags: ({ session }, { domain, xml, flags }) =>
    findDomain(session, domain).attachDevice(xml, impactOf(flags)),
  domainDetachDevice: async ({ session }, { domain, xml }) => {
    await findDomain(session, domain).detachDevice(xml, "live");
  },
  domainDetachDeviceFlags: async ({ session }, { domain, xml, flags }) => {
    await findDomain(session, domain).detachDevice(xml, impactOf(flags));
  },
  domainDetachDeviceAlias: async ({ session }, { domain, alias, flags }) => {
    await findDomain(session, domain).detachDeviceAlias(alias, impactOf(flags));
  },
  domainUpdateDeviceFlags: ({ session }, { domain, xml, flags }) => {
    checkFlags(flags, 3 | forceFlag);
    return findDomain(session, domain).updateDevice(xml, impactOf(flags & ~forceFlag));
  },
};
