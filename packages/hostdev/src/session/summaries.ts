// SPDX-License-Identifier: Apache-2.0

/** What lists tell of a domain's devices. Pure. */
import type { Disk } from "../domain/devices/disk.ts";
import type { Graphics } from "../domain/devices/graphics.ts";
import type { Domain } from "../domain/domain.ts";
import { formatPciAddress } from "../pci/address.ts";
import type { BlockSummary, Connection, InterfaceSummary } from "./session-api.ts";

/** Path or URL of what a drive has in it; `undefined` for an empty one. */
export function sourceOf(disk: Disk): string | undefined {
  switch (disk.type) {
    case "file":
      return disk.source?.file;
    case "block":
      return disk.source?.dev;
    case "dir":
      return disk.source?.dir;
    case "network":
      return disk.source === undefined ? undefined : `${disk.source.protocol}:${disk.source.name ?? ""}`;
    case "nvme":
      return disk.source === undefined ? undefined : formatPciAddress(disk.source.address);
    case "vhostuser":
      return disk.source?.path;
  }
}

/** The disks and drives. */
export function blocksOf({ devices }: Domain): BlockSummary[] {
  return devices.disks.map((disk) => ({
    target: disk.target.dev,
    type: disk.type,
    device: disk.device ?? "disk",
    source: sourceOf(disk),
  }));
}

/** The network cards. */
export function interfacesOf({ devices }: Domain): InterfaceSummary[] {
  return devices.interfaces.map((card) => ({
    alias: card.alias,
    type: card.type,
    target: "target" in card ? card.target?.dev : undefined,
    source: interfaceSource(card),
    model: "model" in card ? card.model : undefined,
    mac: card.mac,
  }));
}

function interfaceSource(card: Domain["devices"]["interfaces"][number]): string | undefined {
  if (card.type === "hostdev") return formatPciAddress(card.source.address);
  if (card.type === "bridge") return card.source.bridge;
  return undefined;
}

const nowhere = { path: undefined, address: undefined, port: undefined };

/** How a running domain's consoles and screens are reached. */
export function connectionsOf({ devices }: Domain): Connection[] {
  const consoles = devices.serials.flatMap((serial): Connection[] => {
    if (serial.type !== "pty" && serial.type !== "unix") return [];
    const path = serial.source?.path;
    return path === undefined ? [] : [{ ...nowhere, kind: "console", path }];
  });
  return [...consoles, ...devices.graphics.flatMap((graphics) => screenOf(graphics) ?? [])];
}

/** How a screen is reached; `undefined` for one that does not listen. */
export function screenOf(graphics: Graphics): Connection | undefined {
  if (graphics.type !== "vnc" && graphics.type !== "spice") return undefined;
  const [listen] = graphics.listens;
  if (listen?.type === "socket") return { ...nowhere, kind: graphics.type, path: listen.socket };
  if (listen?.type === "none" || graphics.port === undefined) return undefined;
  const address = (listen?.type === "address" ? listen.address : undefined) ?? "127.0.0.1";
  return { kind: graphics.type, path: undefined, address, port: graphics.port };
}
