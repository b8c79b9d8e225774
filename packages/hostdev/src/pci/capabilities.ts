// SPDX-License-Identifier: Apache-2.0
import { type AccessControl, decodeAcs } from "./acs.ts";
import { type ConfigSpace, findCapability, findExtendedCapability, readField } from "./config-space.ts";
import { decodeExpress, type ExpressCapability } from "./express.ts";

/** What a function can do by its config space. What is absent is `null` or `false`; so is all, when not `complete`. */
export interface Capabilities {
  /** Whether the config space could be read in full; if not, nothing here is known. */
  readonly complete: boolean;
  readonly express: ExpressCapability | null;
  /** `softReset`: coming back from D3hot resets it (No_Soft_Reset is clear). */
  readonly powerManagement: { readonly softReset: boolean } | null;
  /** Function Level Reset as conventional PCI has it. */
  readonly advancedFeaturesFlr: boolean;
  /** `vectors`: how many it can ask for. */
  readonly msi: { readonly enabled: boolean; readonly vectors: number } | null;
  /** `tableBar`: the BAR that the table is in. */
  readonly msix: { readonly enabled: boolean; readonly vectors: number; readonly tableBar: number } | null;
  /** Whether it has vital product data; `readVitalProductData` reads them. */
  readonly vitalProductData: boolean;
  readonly accessControl: AccessControl | null;
  readonly sriov: SriovCapability | null;
  /** Address translation service, page requests, process address space ids. */
  readonly ats: boolean;
  readonly pri: boolean;
  readonly pasid: boolean;
  /** Device serial number, highest byte first: `52-54-00-ff-ff-12-34-56`. */
  readonly serialNumber: string | null;
}

/** The SR-IOV capability of a PF. `offset` and `stride` are distances between routing ids (bus, device, function). */
export interface SriovCapability {
  readonly totalVfs: number;
  readonly numVfs: number;
  readonly offset: number;
  readonly stride: number;
  readonly vfDeviceId: number;
}

/**
 * Decodes the capabilities that matter for lending a function. A structure that is cut short counts as absent.
 *
 * Pure.
 * Sources: PCI Local Bus 3.0, 6.8 (MSI, MSI-X), I (VPD); PCI Power Management 1.2, 3.2; PCI ECN Advanced Capabilities,
 * 2006; PCI Express Base 5.0, 7.5.3 (PCIe), 7.7.8 (ACS), 7.8.8 (PASID), 7.9.3 (serial number), 9.3.3 (SR-IOV),
 * 10.5 (ATS, page requests).
 */
export function decodeCapabilities(config: ConfigSpace): Capabilities {
  const { bytes } = config;
  const power = findCapability(config, 0x01, 8);
  const vpd = findCapability(config, 0x03, 8);
  const msi = findCapability(config, 0x05, 10);
  const msix = findCapability(config, 0x11, 12);
  const advanced = findCapability(config, 0x13, 6);
  const msiControl = msi === undefined ? 0 : readField(bytes, msi + 2, 2);
  const msixControl = msix === undefined ? 0 : readField(bytes, msix + 2, 2);
  return {
    complete: config.complete,
    express: decodeExpress(config),
    powerManagement: power === undefined ? null : { softReset: (readField(bytes, power + 4, 2) & 8) === 0 },
    advancedFeaturesFlr: advanced !== undefined && (readField(bytes, advanced + 3, 1) & 2) !== 0,
    msi: msi === undefined ? null : { enabled: (msiControl & 1) !== 0, vectors: 1 << ((msiControl >> 1) & 7) },
    msix:
      msix === undefined
        ? null
        : {
            enabled: (msixControl & 0x8000) !== 0,
            vectors: (msixControl & 0x7ff) + 1,
            tableBar: readField(bytes, msix + 4, 1) & 7,
          },
    vitalProductData: vpd !== undefined,
    accessControl: decodeAcs(config),
    sriov: decodeSriov(config),
    ats: findExtendedCapability(config, 0x0f, 8) !== undefined,
    pri: findExtendedCapability(config, 0x13, 16) !== undefined,
    pasid: findExtendedCapability(config, 0x1b, 8) !== undefined,
    serialNumber: decodeSerialNumber(config),
  };
}

function decodeSriov(config: ConfigSpace): SriovCapability | null {
  const at = findExtendedCapability(config, 0x10, 0x40);
  if (at === undefined) return null;
  const field = (offset: number) => readField(config.bytes, at + offset, 2);
  return {
    totalVfs: field(0x0e),
    numVfs: field(0x10),
    offset: field(0x14),
    stride: field(0x16),
    vfDeviceId: field(0x1a),
  };
}

function decodeSerialNumber(config: ConfigSpace): string | null {
  const at = findExtendedCapability(config, 0x03, 12);
  if (at === undefined) return null;
  const bytes = [...config.bytes.subarray(at + 4, at + 12)].reverse();
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("-");
}
