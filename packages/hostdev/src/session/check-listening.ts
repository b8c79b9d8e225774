// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { type Finding, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { isTaken, readListeners } from "./listening.ts";

interface Wanted {
  readonly what: string;
  readonly address: string;
  readonly port: number;
}

/** Checks that nobody listens where the VM is to listen. Touches: reads proc. Needs: nothing. */
export function checkListening(host: Host, domain: Domain): readonly Finding[] {
  const wanted = wantedAddresses(domain);
  if (wanted.length === 0) return [];
  const listeners = readListeners(host);
  const problems = wanted.flatMap(({ what, address, port }, index) => {
    const isOwn = wanted.slice(0, index).some((other) => other.port === port && other.address === address);
    if (!isOwn && !isTaken(listeners, address, port)) return [];
    const where = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
    const state = isOwn ? "the VM itself listens there already" : "another program listens there";
    const message = `Cannot listen on ${where} (${what}): ${state}`;
    return [toFinding(new HostdevError("HD_ADDRESS_IN_USE", message, { address, port, what }))];
  });
  return problems;
}

function wantedAddresses({ devices }: Domain): readonly Wanted[] {
  const screens = devices.graphics.flatMap((screen): Wanted[] => {
    if (screen.type !== "vnc" && screen.type !== "spice") return [];
    const [listen] = screen.listens;
    if (listen !== undefined && listen.type !== "address") return [];
    const address = listen?.address ?? "127.0.0.1";
    const ports = [screen.port, screen.type === "spice" ? screen.tlsPort : screen.websocket];
    return ports.flatMap((port) =>
      port !== undefined && port > 0 && screen.autoport !== true ? [{ what: screen.type, address, port }] : [],
    );
  });
  // A console of type serial is the first serial port once more.
  const consoles = devices.consoles.filter((one) => one.target?.type === "virtio");
  const ports = [...devices.serials, ...devices.parallels, ...consoles, ...devices.channels];
  const servers = ports.flatMap((one): Wanted[] => {
    if (one.type !== "tcp" || one.source.mode !== "bind") return [];
    const port = Number(one.source.service);
    return Number.isNaN(port) ? [] : [{ what: one.alias ?? "port", address: one.source.host, port }];
  });
  const cards = devices.interfaces.flatMap((card): Wanted[] =>
    card.type === "server"
      ? [{ what: card.alias ?? "interface", address: card.source.address ?? "0.0.0.0", port: card.source.port }]
      : [],
  );
  return [...screens, ...servers, ...cards].filter(({ port }) => port > 0);
}
