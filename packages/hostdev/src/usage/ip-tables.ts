// SPDX-License-Identifier: Apache-2.0
import type { Reader } from "./reader.ts";

/** An address or a route of a network interface. */
export interface IpEntry {
  readonly interface: string;
  /** `default route`, `192.0.2.0/24`, `2001:db8::7`. */
  readonly text: string;
}

/** A line of `/proc/net/route`. */
export interface Ipv4Route extends IpEntry {
  /** 32 bits each, unsigned. */
  readonly network: number;
  readonly mask: number;
  /** No gateway: the interface has an address in this network. */
  readonly isDirect: boolean;
}

/** What the text of the route to everywhere is. */
export const defaultRoute = "default route";

/**
 * The IPv4 routes of the main table. They stand for the addresses too, which no file of proc gives with their
 * interface: an address brings the route to its network, and a lone /32 needs a route to be of any use. Pure.
 */
export function parseIpv4Routes(table: string): readonly Ipv4Route[] {
  return table.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [network, gateway, mask] = [fields[1], fields[2], fields[7]].map(hostOrder);
    if (network === undefined || gateway === undefined || mask === undefined) return [];
    const length = Math.clz32(~mask);
    const text = length === 0 ? defaultRoute : `${formatIpv4(network)}/${length}`;
    return [{ interface: fields[0] ?? "", text, network, mask, isDirect: gateway === 0 }];
  });
}

/** Eight digits as printed from memory: the lowest byte comes first in the address. */
function hostOrder(hex: string | undefined): number | undefined {
  if (hex === undefined || !/^[0-9a-f]{8}$/i.test(hex)) return undefined;
  return Number.parseInt(hex.replace(/(..)(..)(..)(..)/, "$4$3$2$1"), 16);
}

function formatIpv4(bits: number): string {
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
}

/** The interfaces by which the best of these routes lead to an address. Pure. */
export function interfacesTo(routes: readonly Ipv4Route[], address: string): readonly string[] {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (parts === undefined) return [];
  const bits = parts.reduce((sum, part) => sum * 256 + part, 0);
  const fitting = routes.filter(({ network, mask }) => (bits & mask) >>> 0 === network);
  const longest = Math.max(...fitting.map((route) => route.mask));
  return fitting.filter((route) => route.mask === longest).map((route) => route.interface);
}

/**
 * IPv6 addresses, but the link-local ones: the kernel gives those to every interface that is up, so that they say
 * nothing about its being used. Pure.
 */
export function parseIpv6Addresses(table: string): readonly IpEntry[] {
  return table.split("\n").flatMap((line) => {
    const [address = "", , , , , name] = line.trim().split(/\s+/);
    const text = formatIpv6(address);
    return text === undefined || name === undefined || isLocal(address) ? [] : [{ interface: name, text }];
  });
}

/** RTF_REJECT, RTF_ANYCAST, RTF_LOCAL of linux/ipv6_route.h: routes that go nowhere, or to this machine itself. */
const notOutward = 0x0200 | 0x0010_0000 | 0x8000_0000;

/** IPv6 routes, but link-local and multicast ones, which every interface has. Pure. */
export function parseIpv6Routes(table: string): readonly IpEntry[] {
  return table.split("\n").flatMap((line) => {
    const [network = "", length = "", , , , , , , flags = "", name] = line.trim().split(/\s+/);
    const address = formatIpv6(network);
    if (address === undefined || name === undefined || isLocal(network)) return [];
    if ((Number.parseInt(flags, 16) & notOutward) !== 0) return [];
    const text = length === "00" ? defaultRoute : `${address}/${Number.parseInt(length, 16)}`;
    return [{ interface: name, text }];
  });
}

function isLocal(hex: string): boolean {
  return /^(fe[89ab]|ff)/i.test(hex);
}

/** 32 hexadecimal digits, or an address in any spelling, in the canonical one; `undefined` for anything else. Pure. */
export function formatIpv6(address: string): string | undefined {
  const text = /^[0-9a-f]{32}$/i.test(address) ? address.replace(/(.{4})(?=.)/g, "$1:") : address;
  // The URL parser knows RFC 5952.
  return /^[0-9a-f:.]+:[0-9a-f:.]*$/i.test(text) && URL.canParse(`http://[${text}]`)
    ? new URL(`http://[${text}]`).hostname.slice(1, -1)
    : undefined;
}

/** All addresses and routes. Touches: reads `/proc/net`. Needs: nothing. */
export function readIpTables(reader: Reader): {
  readonly ipv4Routes: readonly Ipv4Route[];
  readonly ipv6Addresses: readonly IpEntry[];
  readonly ipv6Routes: readonly IpEntry[];
} {
  return {
    ipv4Routes: parseIpv4Routes(reader.text("/proc/net/route")),
    ipv6Addresses: parseIpv6Addresses(reader.text("/proc/net/if_inet6")),
    ipv6Routes: parseIpv6Routes(reader.text("/proc/net/ipv6_route")),
  };
}
