// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { NetworkInterface } from "../domain/devices/network-interface.ts";

/** What a card has carried one way. */
interface CardCounters {
  readonly bytes: bigint;
  readonly packets: bigint;
  readonly errors: bigint;
  readonly dropped: bigint;
}

/** The name that a card of a running guest has on the host; most of a session's have none. */
export function hostSide(card: NetworkInterface): string | undefined {
  const name = "target" in card ? card.target?.dev : undefined;
  return name !== undefined && /^[^/\s]{1,15}$/.test(name) && !/^\.\.?$/.test(name) ? name : undefined;
}

/** The host's counters of a card, as its guest sees them: the host's side receives what the guest sends. */
export function readCardCounters(host: Host, name: string): { readonly rx: CardCounters; readonly tx: CardCounters } {
  const count = (what: string) => {
    const text = host.readText(`/sys/class/net/${name}/statistics/${what}`)?.trim();
    return text === undefined || !/^\d+$/.test(text) ? 0n : BigInt(text);
  };
  const side = (way: string): CardCounters => ({
    bytes: count(`${way}_bytes`),
    packets: count(`${way}_packets`),
    errors: count(`${way}_errors`),
    dropped: count(`${way}_dropped`),
  });
  return { rx: side("tx"), tx: side("rx") };
}
