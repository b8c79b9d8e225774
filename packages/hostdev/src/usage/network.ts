// SPDX-License-Identifier: Apache-2.0
import type { PciFunction } from "../pci/pci-function.ts";
import { pciDevices } from "../pci/sysfs.ts";
import { functionsAbove } from "./functions-above.ts";
import { defaultRoute, type IpEntry, readIpTables } from "./ip-tables.ts";
import type { Reader } from "./reader.ts";
import { interfacesOf, readRemoteSession } from "./remote-session.ts";
import type { Claim } from "./use.ts";

/**
 * Finds the functions whose network interfaces are in use: those with an address (link-local IPv6 apart) or a route,
 * their own or of a bond, bridge, team, VLAN or the like above them; those that are part of such a thing at all; those
 * that the caller's SSH session comes through; and those that another network namespace has.
 * An interface that is merely up is not in use.
 *
 * Touches: reads `/sys/class/net`, `/proc/net`, and for the SSH session `/proc/<pid>`. Needs: nothing.
 */
export function claimNetwork(reader: Reader, functions: readonly PciFunction[]): readonly Claim[] {
  const names = reader.names("/sys/class/net");
  const uppers = new Map(names.map((name) => [name, readUppers(reader, name)]));
  const tables = readIpTables(reader);
  const entries = groupByInterface([...tables.ipv4Routes, ...tables.ipv6Addresses, ...tables.ipv6Routes]);
  const session = readRemoteSession(reader);
  const sessionInterfaces = session === undefined ? new Set<string>() : interfacesOf(session, tables);
  const seen = new Set<string>();
  const claims = names.flatMap((name): Claim[] => {
    const above = functionsAbove(reader.devicePath(`/sys/class/net/${name}`));
    if (above.length === 0) return [];
    for (const address of above) seen.add(address);
    const ways = walkUp(uppers, name);
    const sessions = ways.filter((way) => sessionInterfaces.has(way.at(-1) ?? ""));
    return [
      ...claimsOfInterface(ways, entries, uppers).map((claim) => ({ ...claim, functions: above })),
      ...sessions.map((way): Claim => {
        const does = `carries your SSH session from ${session?.client}`;
        return { kind: "remote-session", functions: above, path: [...way, "SSH session"], does };
      }),
    ];
  });
  const others = functions.filter(({ address }) => !seen.has(address));
  return [...claims, ...claimForeign(reader, others)];
}

/** The interfaces made of this one: `upper_bond0` is a link to it. */
function readUppers(reader: Reader, name: string): readonly string[] {
  const entries = reader.names(`/sys/class/net/${name}`).filter((entry) => entry.startsWith("upper_"));
  return entries.map((entry) => entry.slice("upper_".length));
}

/** The ways from an interface to itself and to all that are made of it. */
function walkUp(uppers: ReadonlyMap<string, readonly string[]>, start: string): readonly (readonly string[])[] {
  const ways = new Map([[start, [start]]]);
  // A Map goes on to what is added while it is walked.
  for (const [name, way] of ways) {
    for (const upper of uppers.get(name) ?? []) if (!ways.has(upper)) ways.set(upper, [...way, upper]);
  }
  return [...ways.values()];
}

function claimsOfInterface(
  ways: readonly (readonly string[])[],
  entries: ReadonlyMap<string, readonly string[]>,
  uppers: ReadonlyMap<string, readonly string[]>,
): readonly Omit<Claim, "functions">[] {
  const withEntries = ways.flatMap((way) => {
    const texts = entries.get(way.at(-1) ?? "");
    if (texts === undefined) return [];
    return [{ kind: "network", path: [...way, texts[0] ?? ""], does: `carries ${describe(texts)}` } as const];
  });
  if (withEntries.length > 0) return withEntries;
  const tops = ways.filter((way) => way.length > 1 && (uppers.get(way.at(-1) ?? "") ?? []).length === 0);
  return tops.map((way) => ({ kind: "network", path: way, does: `is part of network interface ${way.at(-1)}` }));
}

/** The texts of each interface's addresses and routes, the default route first. */
function groupByInterface(entries: readonly IpEntry[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, Set<string>>();
  const sorted = [...entries].sort((a, b) => Number(b.text === defaultRoute) - Number(a.text === defaultRoute));
  for (const entry of sorted) groups.set(entry.interface, (groups.get(entry.interface) ?? new Set()).add(entry.text));
  return new Map([...groups].map(([name, texts]) => [name, [...texts]]));
}

function describe(texts: readonly string[]): string {
  const shown = texts.slice(0, 3).map((text) => (text === defaultRoute ? "the default route" : text));
  return `${shown.join(", ")}${texts.length > 3 ? ` and ${texts.length - 3} more` : ""}`;
}

/** Interfaces that another network namespace has, such as a container's. */
function claimForeign(reader: Reader, functions: readonly PciFunction[]): readonly Claim[] {
  const hidden = functions.filter(
    ({ address, classCode, driver }) =>
      classCode >> 16 === 0x02 && driver !== null && hidesInterface(reader, `${pciDevices}/${address}`),
  );
  const does = "has its network interface in another network namespace";
  return hidden.map(({ address }) => ({ kind: "network", functions: [address], path: ["another namespace"], does }));
}

/** sysfs hides the interfaces of other namespaces; the folder `net`, there only with an interface in it, looks empty. */
function hidesInterface(reader: Reader, path: string): boolean {
  const entries = reader.names(path);
  if (entries.includes("net")) return reader.names(`${path}/net`).length === 0;
  return entries.some((name) => /^virtio\d+$/.test(name) && hidesInterface(reader, `${path}/${name}`));
}
