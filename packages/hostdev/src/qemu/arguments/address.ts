// SPDX-License-Identifier: Apache-2.0
import { findController } from "../../domain/controllers.ts";
import type { DeviceInfo, RomInfo, VirtioModel, VirtioOptions } from "../../domain/devices/device-info.ts";
import type { Domain } from "../../domain/domain.ts";
import type { Properties } from "./options.ts";

/** Where a device is plugged in, as properties of `-device`. libvirt: qemuBuildDeviceAddressProps. */
export function addressProperties(domain: Domain, { address, acpiIndex }: DeviceInfo): Properties {
  switch (address?.type) {
    case "pci": {
      const slot = `0x${address.device.toString(16)}`;
      return {
        bus: pciBus(domain, address.bus),
        multifunction: address.multifunction,
        addr: address.function === 0 ? slot : `${slot}.0x${address.function.toString(16)}`,
        "acpi-index": acpiIndex,
      };
    }
    case "usb":
      return { bus: `${findController(domain, "usb", address.bus)?.alias ?? "usb"}.0`, port: address.port };
    case "isa":
      return { iobase: address.iobase, irq: address.irq };
    case "dimm":
      return { slot: address.slot, addr: address.base };
    default:
      return {};
  }
}

/** The name of a PCI bus: the root bus has QEMU's own, the others that of their controller. */
function pciBus(domain: Domain, index: number): string {
  const controller = findController(domain, "pci", index);
  if (index === 0) return controller?.model === "pcie-root" ? "pcie.0" : "pci.0";
  return controller?.alias ?? `pci.${index}`;
}

/** The option ROM of a device, as properties. */
export function romProperties({ rom }: RomInfo): Properties {
  if (rom?.enabled === false) return { romfile: "" };
  return { rombar: rom?.bar === undefined ? undefined : Number(rom.bar), romfile: rom?.file };
}

/** What all virtio devices can have. */
export function virtioProperties(options: VirtioOptions | undefined): Properties {
  return {
    iommu_platform: options?.iommu,
    ats: options?.ats,
    packed: options?.packed,
    "page-per-vq": options?.pagePerVq,
  };
}

/** The name of a virtio device on PCI, by its flavour: `virtio-net-pci`, `virtio-net-pci-transitional`. */
export function virtioDriver(base: string, model: VirtioModel | string | undefined): string {
  if (model === "virtio-transitional" || model === "virtio-non-transitional")
    return `${base}-pci-${model.slice("virtio-".length)}`;
  return `${base}-pci`;
}
