// SPDX-License-Identifier: Apache-2.0

/** What the agent in a guest answers, read with care: the guest may say anything. Pure. */
import type { Domain } from "../domain/domain.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Longest list that is passed on; a guest with more is not believed. */
const maxItems = 256;

function items(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one): one is Fields => typeof one === "object" && one !== null).slice(0, maxItems);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The guest's network cards with their addresses, as `virDomainInterface` has them: IPv4 is 0, IPv6 is 1. */
export function agentInterfaces(answer: unknown) {
  return items(answer).map((card) => ({
    name: text(card["name"]) ?? "",
    mac: text(card["hardware-address"]) ?? null,
    addresses: items(card["ip-addresses"]).map((address) => ({
      type: address["ip-address-type"] === "ipv6" ? 1 : 0,
      address: text(address["ip-address"]) ?? "",
      prefix: Number(address["prefix"] ?? 0) >>> 0,
    })),
  }));
}

/** A file system of the guest. */
export interface AgentFileSystem {
  readonly mountPoint: string;
  readonly name: string;
  readonly type: string;
  readonly totalBytes: bigint | undefined;
  readonly usedBytes: bigint | undefined;
  readonly disks: readonly AgentDisk[];
}

/** A disk of the guest. */
export interface AgentDisk {
  /** As the definition calls it; `undefined` for a disk that is none of ours. */
  readonly target: string | undefined;
  readonly serial: string | undefined;
  readonly device: string | undefined;
}

/** The guest's mounted file systems, with the disks that they are on. */
export function agentFileSystems(answer: unknown, domain: Domain): AgentFileSystem[] {
  const bytes = (value: unknown) => (typeof value === "number" && value >= 0 ? BigInt(Math.floor(value)) : undefined);
  return items(answer).map((one) => ({
    mountPoint: text(one["mountpoint"]) ?? "",
    name: text(one["name"]) ?? "",
    type: text(one["type"]) ?? "",
    totalBytes: bytes(one["total-bytes"]),
    usedBytes: bytes(one["used-bytes"]),
    disks: items(one["disk"]).map((disk) => agentDisk(disk, domain)),
  }));
}

/** Where a disk is, as the agent's `GuestDiskAddress` says it. */
export function agentDisk(answer: unknown, domain: Domain): AgentDisk {
  const [disk] = items([answer]);
  if (disk === undefined) return { target: undefined, serial: undefined, device: undefined };
  return { target: findTarget(domain, disk), serial: text(disk["serial"]), device: text(disk["dev"]) };
}

/** The disk that a guest sees at a PCI address, and for disks of a controller, at a place behind it. */
function findTarget({ devices }: Domain, disk: Fields): string | undefined {
  const pci = disk["pci-controller"] as Fields | undefined;
  const isAt = (address: unknown) => {
    const found = address as Fields | undefined;
    return (
      pci !== undefined &&
      found?.["type"] === "pci" &&
      ["domain", "bus", "slot", "function"].every((part) => Number(found[part] ?? 0) === Number(pci[part]))
    );
  };
  const direct = devices.disks.find(({ address }) => isAt(address));
  if (direct !== undefined) return direct.target.dev;
  const controller = devices.controllers.find(({ address }) => isAt(address));
  if (controller === undefined) return undefined;
  return devices.disks.find(({ address, target: { bus } }) => {
    if (address?.type !== "drive" || (bus === "sata" ? "sata" : bus) !== controller.type) return false;
    const isPlace = address.bus === Number(disk["bus"]) && address.unit === Number(disk["unit"]);
    return isPlace && address.target === Number(disk["target"]) && address.controller === (controller.index ?? 0);
  })?.target.dev;
}

/** The guest's processors, which it tells in any order. */
export function agentVcpus(answer: unknown) {
  const vcpus = items(answer).map((vcpu) => ({
    id: Number(vcpu["logical-id"]),
    online: vcpu["online"] === true,
    canOffline: vcpu["can-offline"] === true,
  }));
  return vcpus.sort((a, b) => a.id - b.id);
}
