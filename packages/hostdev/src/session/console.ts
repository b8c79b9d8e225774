// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import { fileError } from "../core/errno.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import type { QmpReturn } from "../qmp/commands.ts";
import { noGuestDevice } from "./session-errors.ts";

/** A device with a character backend of the kinds that a user can be connected to. */
interface Port {
  readonly alias?: string | undefined;
  type: string;
  tty?: string | undefined;
  source?: { path?: string | undefined } | undefined;
}

/** The serial ports, consoles and channels of a domain, in the order in which a user means them. */
function ports({ devices }: Domain): Port[] {
  return [...devices.serials, ...devices.consoles, ...devices.channels, ...devices.parallels] as Port[];
}

/**
 * Notes, in the domain, which ptys QEMU has opened for its ports, as libvirt does.
 *
 * @param answer QEMU's to `query-chardev`.
 */
export function findTerminals(domain: Domain, answer: QmpReturn<"query-chardev">): void {
  const found = new Map<string, string>();
  for (const { label, filename } of answer) {
    const path = /^pty:(\/dev\/\S+)/.exec(filename)?.[1];
    if (path !== undefined) found.set(label, path);
  }
  for (const port of ports(domain)) {
    if (port.type !== "pty") continue;
    const path = found.get(`char${aliasOf(domain, port)}`);
    if (path === undefined) continue;
    port.source = { labels: [], ...port.source, path } as Port["source"];
    if (domain.devices.consoles.includes(port as never)) port.tty = path;
  }
}

/** The first console is the first serial port by another name, unless it is one of virtio. */
function aliasOf({ devices }: Domain, port: Port): string | undefined {
  const [console] = devices.consoles;
  if ((port as unknown) !== console || console?.target?.type === "virtio") return port.alias;
  return devices.serials[0]?.alias ?? port.alias;
}

/** The port that a user means by an alias, or by none: the first serial port or console that he can be connected to. */
export function findPort(domain: Domain, alias: string | undefined): { readonly alias: string; readonly path: string } {
  const { serials, consoles } = domain.devices;
  const port =
    alias === undefined
      ? ([...serials, ...consoles] as Port[]).find(isOpenable)
      : ports(domain).find((one) => one.alias === alias);
  const name = alias === undefined ? "console" : `console ${alias}`;
  if (port === undefined) throw noGuestDevice(domain.name, name);
  const path = port.source?.path ?? port.tty;
  if (!isOpenable(port) || path === undefined) throw noGuestDevice(domain.name, `${name} on a pty or a socket`);
  return { alias: port.alias ?? "console", path };
}

function isOpenable({ type }: Port): boolean {
  return type === "pty" || type === "unix";
}

/**
 * Opens the host's side of a port, both ways.
 *
 * @throws {HostdevError} `HD_FILE`.
 */
export async function openPort(host: Host, path: string): Promise<Duplex> {
  if (host.status(path)?.kind === "character-device") return host.openTerminal(path);
  const stream = await host.connect(path);
  if (stream === undefined) throw fileError("connect to", path, "ENOENT");
  return stream;
}
