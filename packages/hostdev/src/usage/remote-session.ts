// SPDX-License-Identifier: Apache-2.0
import { formatIpv6, type IpEntry, type Ipv4Route, interfacesTo } from "./ip-tables.ts";
import type { Reader } from "./reader.ts";

/** The caller's own way to this machine. */
export interface RemoteSession {
  /** Address that the caller comes from. */
  readonly client: string;
  /** Address of this machine that the caller came to. */
  readonly server: string;
}

/**
 * Finds the SSH connection that this process was started through. `sudo` takes `SSH_CONNECTION` out of the
 * environment, so that the parents' is looked at too.
 *
 * Touches: reads `/proc/<pid>/environ`, `/proc/<pid>/stat`. Needs: nothing; root for the way through `sudo`.
 */
export function readRemoteSession(reader: Reader): RemoteSession | undefined {
  let connection = reader.host.environment("SSH_CONNECTION");
  let pid = reader.host.self.pid;
  for (let steps = 0; connection === undefined && reader.isRoot && pid > 1 && steps < 64; steps++) {
    const variables = reader.text(`/proc/${pid}/environ`).split("\0");
    connection = variables.find((variable) => variable.startsWith("SSH_CONNECTION="))?.slice("SSH_CONNECTION=".length);
    pid = Number(reader.text(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ")[1] ?? 0);
  }
  const [client, , server] = connection?.split(" ") ?? [];
  return client === undefined || server === undefined ? undefined : { client, server };
}

/** The interfaces that a session needs: the one with the server's address, and the one back to the client. Pure. */
export function interfacesOf(
  { client, server }: RemoteSession,
  tables: { readonly ipv4Routes: readonly Ipv4Route[]; readonly ipv6Addresses: readonly IpEntry[] },
): ReadonlySet<string> {
  const direct = tables.ipv4Routes.filter((route) => route.isDirect);
  const [address = "", zone] = server.split("%"); // a link-local address names its interface
  const ipv6 = formatIpv6(address);
  const owners = tables.ipv6Addresses.filter((entry) => entry.text === ipv6).map((entry) => entry.interface);
  const back = interfacesTo(tables.ipv4Routes, client);
  return new Set([...interfacesTo(direct, server), ...back, ...owners, ...(zone === undefined ? [] : [zone])]);
}
