// SPDX-License-Identifier: Apache-2.0
import { type PciAddress, parsePciAddress, tryParsePciAddress } from "../pci/address.ts";
import { readConfigSpace } from "../pci/config-space.ts";
import { readPciNames } from "../pci/names.ts";
import { parseIds } from "../pci/pci-function.ts";
import { iommuGroups } from "../pci/sysfs.ts";
import { readVitalProductData, type VitalProductData } from "../pci/vital-product-data.ts";
import type { XmlOutput } from "../xml/writer.ts";
import type { CapabilityKind, ReadOptions } from "./capability-kind.ts";
import { inKernelOrder } from "./kernel-order.ts";
import { formatMdevTypes, type MdevType, mdevTypesFolder, readMdevTypes } from "./mdev-types.ts";
import { formatExpress, type PciExpress, readExpress } from "./pci-express.ts";
import { toNumber, type UdevDevice } from "./udev-device.ts";
import { formatVitalProductData } from "./vpd.ts";
import { capabilityElement, element, hex, idElement, textElement } from "./xml-output.ts";

/** A PCI function. */
export interface PciCapability {
  readonly type: "pci";
  /** 24 bits; `null` when the kernel doesn't say. */
  readonly classCode: number | null;
  readonly address: PciAddress;
  readonly product: { readonly id: number; readonly name: string | null };
  readonly vendor: { readonly id: number; readonly name: string | null };
  readonly physicalFunction: PciAddress | null;
  /** `null` unless it is a PF. `max` is 0 when the driver doesn't say. */
  readonly virtualFunctions: { readonly max: number; readonly addresses: readonly PciAddress[] } | null;
  /** `null` for an endpoint, and when not read. */
  readonly bridge: "pci-bridge" | "cardbus-bridge" | null;
  readonly mdevTypes: readonly MdevType[];
  readonly vitalProductData: VitalProductData | null;
  /** Members in the kernel's order, as libvirt has them. */
  readonly iommuGroup: { readonly number: number; readonly members: readonly PciAddress[] } | null;
  readonly numaNode: number | null;
  readonly express: PciExpress | null;
}

/** libvirt: `udevProcessPCI`, `virNodeDeviceGetPCIDynamicCaps`, `virNodeDeviceCapPCIDefFormat`. */
export const pciKind: CapabilityKind<PciCapability> = {
  further: (device) => [
    ...(device.host.list(`${device.path}/${mdevTypesFolder}`)?.length ? (["mdev_types"] as const) : []),
    ...(readVitalProductData(device.host, device.sysname) === null ? [] : (["vpd"] as const)),
  ],
  read,
  format: (pci) => [
    ...(pci.classCode === null ? [] : textElement("class", hex(pci.classCode, 6))),
    ...textElement("domain", pci.address.domain),
    ...textElement("bus", pci.address.bus),
    ...textElement("slot", pci.address.device),
    ...textElement("function", pci.address.function),
    idElement("product", pci.product.id, pci.product.name),
    idElement("vendor", pci.vendor.id, pci.vendor.name),
    ...(pci.physicalFunction === null ? [] : [capabilityElement("phys_function", [addressOf(pci.physicalFunction)])]),
    ...formatVirtualFunctions(pci.virtualFunctions),
    ...(pci.bridge === null ? [] : [capabilityElement(pci.bridge)]),
    ...formatMdevTypes(pci.mdevTypes),
    ...(pci.vitalProductData === null ? [] : [formatVitalProductData(pci.vitalProductData)]),
    ...formatGroup(pci.iommuGroup),
    ...(pci.numaNode === null ? [] : [element("numa", { node: String(pci.numaNode) })]),
    ...(pci.express === null ? [] : [formatExpress(pci.express)]),
  ],
};

function read(device: UdevDevice, { strictLibvirt = false, names: given }: ReadOptions): PciCapability {
  const { host, sysname } = device;
  const names = given ?? readPciNames(host);
  const [vendorId, productId] = parseIds(device.kernelProperty("PCI_ID"));
  const numaNode = device.number("numa_node") ?? -1;
  // What libvirt asks config space for it asks as root only, though everybody may read the header.
  const isHidden = strictLibvirt && host.self.uid !== 0;
  const config = isHidden ? undefined : readConfigSpace(host, sysname);
  const headerType = config?.header?.type;
  return {
    type: "pci",
    classCode: toNumber(device.kernelProperty("PCI_CLASS"), 16) ?? null,
    address: parsePciAddress(sysname),
    product: { id: productId, name: names.device(vendorId, productId) },
    vendor: { id: vendorId, name: names.vendor(vendorId) },
    physicalFunction: tryParsePciAddress(device.linkName("physfn") ?? "") ?? null,
    virtualFunctions: readVirtualFunctions(device),
    bridge: headerType === "bridge" ? "pci-bridge" : headerType === "cardbus-bridge" ? headerType : null,
    mdevTypes: readMdevTypes(device),
    vitalProductData: device.has("vpd") ? readVitalProductData(host, sysname) : null,
    iommuGroup: readGroup(device),
    numaNode: numaNode < 0 ? null : numaNode,
    express: isHidden ? null : readExpress(device, config),
  };
}

/** `virtfn0` and so on, up to the first gap (libvirt: `virPCIGetVirtualFunctionsFull`). */
function readVirtualFunctions(device: UdevDevice): PciCapability["virtualFunctions"] {
  const max = device.has("sriov_totalvfs") ? (device.number("sriov_totalvfs") ?? 0) : 0;
  const addresses: PciAddress[] = [];
  for (;;) {
    const address = tryParsePciAddress(device.linkName(`virtfn${addresses.length}`) ?? "");
    if (address === undefined) return max === 0 && addresses.length === 0 ? null : { max, addresses };
    addresses.push(address);
  }
}

function readGroup(device: UdevDevice): PciCapability["iommuGroup"] {
  const name = device.linkName("iommu_group");
  if (name === undefined) return null;
  const members = inKernelOrder(device.host.list(`${iommuGroups}/${name}/devices`) ?? []).map(tryParsePciAddress);
  return { number: Number(name), members: members.filter((member) => member !== undefined) };
}

function formatVirtualFunctions(virtualFunctions: PciCapability["virtualFunctions"]): readonly XmlOutput[] {
  if (virtualFunctions === null) return [];
  const { max, addresses } = virtualFunctions;
  const maxCount = max === 0 ? undefined : String(max);
  return [element("capability", { type: "virt_functions", maxCount }, addresses.map(addressOf))];
}

function formatGroup(group: PciCapability["iommuGroup"]): readonly XmlOutput[] {
  if (group === null || group.members.length === 0) return [];
  return [element("iommuGroup", { number: String(group.number) }, group.members.map(addressOf))];
}

function addressOf({ domain, bus, device, function: fn }: PciAddress): XmlOutput {
  return element("address", { domain: hex(domain, 4), bus: hex(bus, 2), slot: hex(device, 2), function: hex(fn, 1) });
}
