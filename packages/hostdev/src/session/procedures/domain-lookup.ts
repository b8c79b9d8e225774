// SPDX-License-Identifier: Apache-2.0

import { isHostdevError } from "../../core/errors.ts";
import { errorCode, errorDomain, libvirtError } from "../../rpc/error-payload.ts";
import { domainState } from "../domain-state.ts";
import type { SessionDomain } from "../session-api.ts";
import type { ClientHandlers } from "./client.ts";
import { formatUuid, toWire } from "./domain-reference.ts";

/** `VIR_CONNECT_LIST_DOMAINS_*`, in pairs and groups: of each group asked for, a domain must be one of. */
const filters: readonly (readonly (readonly [flag: number, is: (domain: SessionDomain) => boolean])[])[] = [
  [
    [1 << 0, ({ isActive }) => isActive],
    [1 << 1, ({ isActive }) => !isActive],
  ],
  [
    [1 << 2, ({ isPersistent }) => isPersistent],
    [1 << 3, ({ isPersistent }) => !isPersistent],
  ],
  [
    [1 << 4, ({ state }) => state.state === domainState.running],
    [1 << 5, ({ state }) => state.state === domainState.paused],
    [1 << 6, ({ state }) => state.state === domainState.shutOff],
    [1 << 7, ({ state }) => ![1, 3, 5].includes(state.state)],
  ],
  [
    [1 << 8, () => false], // with a managed save image: nothing is ever saved
    [1 << 9, () => true],
  ],
  [
    [1 << 10, ({ autostart }) => autostart],
    [1 << 11, ({ autostart }) => !autostart],
  ],
  [
    [1 << 12, () => false], // with snapshots
    [1 << 13, () => true],
  ],
  [
    [1 << 14, () => false], // with checkpoints
    [1 << 15, () => true],
  ],
];

/** Finding and listing domains. */
export const domainLookupHandlers: ClientHandlers = {
  connectListAllDomains: ({ session }, { needResults, flags }) => {
    const items = listWanted(session.list(), flags).map(({ reference }) => toWire(reference));
    return { items: needResults ? items : [], count: items.length };
  },
  connectNumOfDomains: ({ session }) => ({ number: active(session.list()).length }),
  connectListDomains: ({ session }, { max }) => ({
    ids: active(session.list())
      .slice(0, max)
      .map(({ reference }) => reference.id),
  }),
  connectNumOfDefinedDomains: ({ session }) => ({ number: inactive(session.list()).length }),
  connectListDefinedDomains: ({ session }, { max }) => ({
    names: inactive(session.list())
      .slice(0, max)
      .map(({ reference }) => reference.name),
  }),
  domainLookupByName: ({ session }, { name }) =>
    lookUp(() => session.byName(name), `no domain with matching name '${name}'`),
  domainLookupByUuid: ({ session }, { uuid }) => {
    const text = formatUuid(uuid);
    return lookUp(() => session.byUuid(text), `no domain with matching uuid '${text}'`);
  },
  domainLookupById: ({ session }, { id }) => lookUp(() => session.byId(id), `no domain with matching id ${id}`),
};

/** With libvirt's text, which programs such as virt-install compare. */
function lookUp(find: () => SessionDomain, otherwise: string) {
  try {
    return { domain: toWire(find().reference) };
  } catch (error) {
    if (!isHostdevError(error, "HD_NO_DOMAIN")) throw error;
    throw libvirtError(errorCode.noDomain, errorDomain.qemu, "Domain not found: ", otherwise);
  }
}

/** Those of the domains that the flags ask for (`VIR_CONNECT_LIST_DOMAINS_*`). Pure. */
export function listWanted(domains: readonly SessionDomain[], flags: number): readonly SessionDomain[] {
  const asked = filters
    .map((group) => group.filter(([flag]) => (flags & flag) !== 0))
    .filter((group) => group.length > 0);
  return domains.filter((domain) => asked.every((group) => group.some(([, is]) => is(domain))));
}

function active(domains: readonly SessionDomain[]): readonly SessionDomain[] {
  return domains.filter(({ isActive }) => isActive);
}

function inactive(domains: readonly SessionDomain[]): readonly SessionDomain[] {
  return domains.filter(({ isActive }) => !isActive);
}
