// SPDX-License-Identifier: Apache-2.0

/** The guest's processors, as the guest itself sees and switches them. */
import type { Host } from "../../core/host.ts";
import { nodeSet } from "../../domain/node-set.ts";
import { callAgent } from "../guest-agent.ts";
import { agentVcpus } from "../guest-agent-answers.ts";
import type { SessionDomain } from "../session-api.ts";
import { requireLive } from "./domain-block.ts";
import { invalidArgument, operationUnsupported } from "./libvirt-errors.ts";

/** What the guest tells of its processors, by number. @throws {HostdevError} as `callAgent`. */
export async function guestVcpus(host: Host, domain: SessionDomain) {
  return agentVcpus(await callAgent(host, requireLive(domain).domain, "guest-get-vcpus"));
}

/** How many processors the guest has switched on, or could. */
export async function countGuestVcpus(host: Host, domain: SessionDomain, all: boolean): Promise<number> {
  const vcpus = await guestVcpus(host, domain);
  return vcpus.filter(({ online }) => all || online).length;
}

/** Switches processors of the guest on or off inside it, so that so many are on. */
export async function setGuestVcpuCount(host: Host, domain: SessionDomain, wanted: number): Promise<void> {
  const vcpus = await guestVcpus(host, domain);
  if (wanted > vcpus.length) {
    const text = `requested vcpu count is greater than the count of enabled vcpus in the domain: ${wanted} > ${vcpus.length}`;
    throw invalidArgument(text);
  }
  const excess = vcpus.filter(({ online }) => online).length - wanted;
  const candidates =
    excess > 0
      ? vcpus.filter(({ online, canOffline }) => online && canOffline).reverse()
      : vcpus.filter(({ online }) => !online);
  const switched = candidates.slice(0, Math.abs(excess)).map(({ id }) => ({ "logical-id": id, online: excess < 0 }));
  if (switched.length < Math.abs(excess)) throw operationUnsupported("the guest cannot switch so many of its vcpus");
  await setVcpus(host, domain, switched);
}

/**
 * Switches these processors of the guest on or off inside it.
 *
 * @param set such as `1-3`. All are switched, or none.
 * @throws {HostdevError} libvirt's error for a processor that the guest does not have, or cannot switch off.
 */
export async function switchGuestVcpus(host: Host, domain: SessionDomain, set: string, online: boolean): Promise<void> {
  const ids = nodeSet.parse(set);
  if (ids === undefined) throw invalidArgument(`Failed to parse bitmap '${set}'`);
  const vcpus = await guestVcpus(host, domain);
  const wanted = vcpus.filter(({ id }) => ids.includes(id));
  const fixed = online ? undefined : wanted.find(({ canOffline }) => !canOffline);
  if (fixed !== undefined) throw operationUnsupported(`vCPU '${fixed.id}' is not offlinable`);
  const missing = ids.filter((id) => !wanted.some((vcpu) => vcpu.id === id));
  if (missing.length > 0) throw invalidArgument(`guest is missing vCPUs '${nodeSet.format(missing)}'`);
  const switched = wanted.map(({ id }) => ({ "logical-id": id, online }));
  await setVcpus(host, domain, switched);
}

/** The agent may do the first ones only. */
async function setVcpus(host: Host, domain: SessionDomain, vcpus: readonly object[]): Promise<void> {
  if (vcpus.length === 0) return;
  const done = await callAgent(host, requireLive(domain).domain, "guest-set-vcpus", { vcpus });
  if (Number(done) !== vcpus.length) throw operationUnsupported("the guest has not switched all of them");
}
