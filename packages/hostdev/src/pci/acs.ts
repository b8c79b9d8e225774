// SPDX-License-Identifier: Apache-2.0
import { type ConfigSpace, findExtendedCapability, readField } from "./config-space.ts";
import { decodeExpress } from "./express.ts";

/**
 * Source validation, translation blocking, request and completion redirect, upstream forwarding, egress control,
 * direct translated P2P: the bits of Access Control Services in their order.
 */
export const acsBits = ["SV", "TB", "RR", "CR", "UF", "EC", "DT"] as const;
export type AcsBit = (typeof acsBits)[number];

/** The Access Control Services capability (PCI Express Base 5.0, 7.7.8). */
export interface AccessControl {
  readonly supported: readonly AcsBit[];
  readonly enabled: readonly AcsBit[];
}

/** What Linux wants on for isolation (`REQ_ACS_FLAGS`, drivers/iommu/iommu.c). */
const required: readonly AcsBit[] = ["SV", "RR", "CR", "UF"];

/** Decodes the Access Control Services capability; `null` when there is none or it could not be read. Pure. */
export function decodeAcs(config: ConfigSpace): AccessControl | null {
  const at = findExtendedCapability(config, 0x0d, 8);
  if (at === undefined) return null;
  const names = (register: number) => acsBits.filter((_, bit) => (register & (1 << bit)) !== 0);
  return { supported: names(readField(config.bytes, at + 4, 2)), enabled: names(readField(config.bytes, at + 6, 2)) };
}

/** The bits that would have to be on and are not. One that a function does not support it has no need of. Pure. */
export function missingAcs({ supported, enabled }: AccessControl): readonly AcsBit[] {
  return required.filter((bit) => supported.includes(bit) && !enabled.includes(bit));
}

/**
 * Whether a function keeps its peers and what is behind it from reaching each other past the IOMMU; `undefined` when
 * its config space could not be read in full.
 *
 * The rule is Linux's (`pci_acs_enabled`, drivers/pci/pci.c) without its list of devices known to isolate, or not to,
 * whatever they say: it explains a group, and never decides anything.
 *
 * Pure.
 * @param isMultiFunction whether its device has several functions: alone, an endpoint has no peer.
 */
export function isolates(config: ConfigSpace | undefined, isMultiFunction: boolean): boolean | undefined {
  if (config?.complete !== true || !config.responds) return undefined;
  const acs = decodeAcs(config);
  const hasFlags = acs !== null && missingAcs(acs).length === 0;
  switch (decodeExpress(config)?.portType) {
    case undefined: // conventional PCI: the bus is shared
    case "pcie-to-pci-bridge":
    case "pci-to-pcie-bridge":
    case "event-collector":
      return false;
    case "root-port":
    case "downstream-port":
      return hasFlags;
    default:
      return !isMultiFunction || hasFlags;
  }
}
