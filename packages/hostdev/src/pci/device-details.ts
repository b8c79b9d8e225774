// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { type Capabilities, decodeCapabilities } from "./capabilities.ts";
import { readConfigSpace } from "./config-space.ts";
import { isExpress, type LinkState } from "./express.ts";
import { type GroupDetails, readGroupDetails } from "./group-details.ts";
import { type FunctionIdentity, readFunctionIdentity } from "./identity.ts";
import { type PciFunction, readPciFunction } from "./pci-function.ts";
import { readResetMethods } from "./reset-methods.ts";
import { parseResources, type Resources } from "./resources.ts";
import { readSriov, type Sriov } from "./sriov.ts";
import { pciDevices, readAttribute, readNumber } from "./sysfs.ts";
import { readVitalProductData, type VitalProductData } from "./vital-product-data.ts";

/** Everything that sysfs says about one function, beyond what a list shows. */
export interface FunctionDetails {
  readonly function: PciFunction;
  readonly identity: FunctionIdentity;
  /** From config space; `complete` is false when the caller is not root. `null` when it does not answer. */
  readonly capabilities: Capabilities | null;
  /** `null` without a group. */
  readonly group: GroupDetails | null;
  /**
   * Ways to reset it, in the order that the kernel tries: `device_specific`, `acpi`, `flr`, `af_flr`, `pm`, `bus`,
   * `cxl_bus`. Empty: it cannot be reset. `null`: it can, in ways that a kernel before 5.15 does not tell.
   */
  readonly resetMethods: readonly string[] | null;
  readonly sriov: Sriov | null;
  readonly resources: Resources;
  /** PCI Express only. A link that is down or asleep has no speed. */
  readonly link: { readonly max: LinkState; readonly current: LinkState } | null;
  readonly power: {
    /** `D0`, `D1`, `D2`, `D3hot`, `D3cold`, `unknown`, `error`; `null` before Linux 5.11. */
    readonly state: string | null;
    readonly isD3coldAllowed: boolean | null;
  };
  readonly interrupts: {
    /** The line (INTx) or the first vector; `null` when it has neither. */
    readonly irq: number | null;
    /** In use now, by the host's driver. */
    readonly mode: "msi" | "msix" | null;
    readonly vectors: number;
    /** For a bridge: whether what is behind it may use MSI at all; else whether it may itself. */
    readonly isMsiAllowed: boolean | null;
  };
  /** How often drivers have enabled it, less how often disabled. */
  readonly enableCount: number | null;
  /** CPUs that are near, such as `0-7,16-23`. */
  readonly localCpus: string | null;
  /** Its node of the newer interface, `vfio3` in `/dev/vfio/devices`; needs a kernel with VFIO_DEVICE_CDEV. */
  readonly vfioDevice: string | null;
  /** Root only. */
  readonly vitalProductData: VitalProductData | null;
}

/**
 * Reads all there is to know about one function; `undefined` when there is none at this address.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/` and `/sys/kernel/iommu_groups/<number>/`. As root it also asks the
 * device for its vital product data, which takes some devices a second.
 * Needs: root for `capabilities`, `vitalProductData` and `identity.serials.device`.
 * @see https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-pci
 */
export function readFunctionDetails(host: Host, address: string): FunctionDetails | undefined {
  const fn = readPciFunction(host, address);
  const identity = readFunctionIdentity(host, address);
  if (fn === undefined || identity === undefined) return undefined;
  const path = `${pciDevices}/${address}`;
  const config = readConfigSpace(host, address);
  const d3cold = readNumber(host, `${path}/d3cold_allowed`);
  return {
    function: fn,
    identity,
    capabilities: config?.responds === true ? decodeCapabilities(config) : null,
    group: fn.group === null ? null : readGroupDetails(host, fn.group),
    resetMethods: readResetMethods(host, address),
    sriov: readSriov(host, address),
    resources: parseResources(readAttribute(host, `${path}/resource`) ?? ""),
    link: isExpress(host, address) ? readLink(host, path) : null,
    power: {
      state: readAttribute(host, `${path}/power_state`) ?? null,
      isD3coldAllowed: d3cold === undefined ? null : d3cold !== 0,
    },
    interrupts: readInterrupts(host, path),
    enableCount: readNumber(host, `${path}/enable`) ?? null,
    localCpus: readAttribute(host, `${path}/local_cpulist`) ?? null,
    vfioDevice: host.list(`${path}/vfio-dev`)?.[0] ?? null,
    vitalProductData: readVitalProductData(host, address),
  };
}

/** `8.0 GT/s PCIe`, `Unknown`; 255 and 0 lanes are the register's way to say that it does not know. */
function readLink(host: Host, path: string): NonNullable<FunctionDetails["link"]> {
  const read = (which: "max" | "current"): LinkState => {
    const speed = /^([\d.]+) GT\/s/.exec(readAttribute(host, `${path}/${which}_link_speed`) ?? "")?.[1];
    const width = readNumber(host, `${path}/${which}_link_width`) ?? 0;
    return { speedGTs: speed === undefined ? null : Number(speed), width: width === 0 || width > 32 ? null : width };
  };
  return { max: read("max"), current: read("current") };
}

function readInterrupts(host: Host, path: string): FunctionDetails["interrupts"] {
  const irq = readNumber(host, `${path}/irq`) ?? 0;
  const vectors = host.list(`${path}/msi_irqs`) ?? [];
  const mode = vectors[0] === undefined ? undefined : readAttribute(host, `${path}/msi_irqs/${vectors[0]}`);
  const msiBus = readNumber(host, `${path}/msi_bus`);
  return {
    irq: irq > 0 ? irq : null,
    mode: mode === "msi" || mode === "msix" ? mode : null,
    vectors: vectors.length,
    isMsiAllowed: msiBus === undefined ? null : msiBus !== 0,
  };
}
