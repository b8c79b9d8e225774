// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { type ConfigSpace, findCapability, readField } from "./config-space.ts";
import { pciDevices } from "./sysfs.ts";

const portTypes = {
  0: "endpoint",
  1: "legacy-endpoint",
  4: "root-port",
  5: "upstream-port",
  6: "downstream-port",
  7: "pcie-to-pci-bridge",
  8: "pci-to-pcie-bridge",
  9: "root-complex-endpoint",
  10: "event-collector",
} as const;

/** What a PCI Express function is in the tree (PCI Express Base 5.0, 7.5.3.2). */
export type PortType = (typeof portTypes)[keyof typeof portTypes] | "unknown";

/** A speed in GT/s and a number of lanes; `null` where the register has no value that the specification knows. */
export interface LinkState {
  readonly speedGTs: number | null;
  readonly width: number | null;
}

/** The PCI Express capability. */
export interface ExpressCapability {
  readonly portType: PortType;
  /** Function Level Reset. */
  readonly flr: boolean;
  /** `null` for what sits in the root complex and so has no link. */
  readonly link: { readonly port: number; readonly max: LinkState; readonly current: LinkState } | null;
}

/**
 * Decodes the PCI Express capability (PCI Express Base 5.0, 7.5.3); `null` when there is none or it could not be read.
 * Takes its first 20 bytes only, up to the link's status: version 1 may have no more.
 *
 * Pure.
 */
export function decodeExpress(config: ConfigSpace): ExpressCapability | null {
  const at = findCapability(config, 0x10, 20);
  if (at === undefined) return null;
  const { bytes } = config;
  const type = (readField(bytes, at + 2, 2) >> 4) & 0xf;
  const portType = portTypes[type as keyof typeof portTypes] ?? "unknown";
  const hasLink = portType !== "root-complex-endpoint" && portType !== "event-collector";
  const linkCapabilities = readField(bytes, at + 0x0c, 4);
  const linkStatus = readField(bytes, at + 0x12, 2);
  return {
    portType,
    flr: (readField(bytes, at + 4, 4) & 0x10000000) !== 0,
    link: hasLink
      ? { port: linkCapabilities >>> 24, max: toLink(linkCapabilities), current: toLink(linkStatus) }
      : null,
  };
}

const speeds = [null, 2.5, 5, 8, 16, 32, 64] as const;

function toLink(register: number): LinkState {
  return { speedGTs: speeds[register & 0xf] ?? null, width: (register >> 4) & 0x3f || null };
}

/**
 * Whether a function is PCI Express, without a look at its config space: exactly for these the kernel makes the files
 * on links (`pcie_dev_attrs_are_visible`, drivers/pci/pci-sysfs.c). The size of `config` tells less: 4096 bytes also
 * without a PCI Express capability, and 256 with it where the platform has no memory-mapped config space.
 *
 * Touches: looks at `/sys/bus/pci/devices/<address>/max_link_speed`. Needs: nothing.
 */
export function isExpress(host: Host, address: string): boolean {
  return host.status(`${pciDevices}/${address}/max_link_speed`) !== undefined;
}
