// SPDX-License-Identifier: Apache-2.0

/**
 * What the lab's machine is made of, as data: a tree of PCI devices below the root complex `pcie.0` of a q35 machine.
 *
 * The firmware numbers buses depth first, in the order of slots. So the first root port of the list gets bus 01, the second
 * 02, and so on, unless a slot is given. Bus 00 slots 00, 1f and 17 to 1e are the chipset's and the lab's own.
 */
export interface Topology {
  /** Default `intel`. `intel-no-intremap` can't take interrupts safely; `virtio` is paravirtual and can't either; `none` has no groups. */
  readonly iommu?: "intel" | "intel-no-intremap" | "virtio" | "none";
  readonly devices: readonly PciDevice[];
  /** Non-PCI devices behind one of the above, such as a `usb-kbd` on a `qemu-xhci`. */
  readonly extra?: readonly PlainDevice[];
}

/** A property as QEMU's `-device` takes it; booleans become `on` and `off`. */
export type DeviceOptions = Readonly<Record<string, string | number | boolean>>;

/** One function (endpoint, port or bridge) of the machine. */
export interface PciDevice {
  /** QEMU's name for the device, such as `e1000e`. */
  readonly driver: string;
  /** The id for QMP, `driver_override` notes and children; made up when missing. */
  readonly id?: string;
  /** Slot and function on its bus as in `02.1`; the next free slot when missing. */
  readonly at?: string;
  readonly options?: DeviceOptions;
  /** What the device works on: a disk file of the host, or a user-mode network. */
  readonly backend?: Backend;
  /** Devices on the bus behind this one, if it is a port or bridge. */
  readonly behind?: readonly PciDevice[];
}

/** A device of another bus than PCI. */
export interface PlainDevice {
  readonly driver: string;
  readonly id?: string;
  readonly options?: DeviceOptions;
}

/** The host's side of a device. */
export type Backend =
  /** A raw file in the machine's directory, made at the first boot and kept over reboots; `text` is put into its first block. */
  | { readonly kind: "disk"; readonly file: string; readonly sizeMiB: number; readonly text?: string }
  /** QEMU's own network: DHCP, 10.0.2.2 as the gateway, no way out needed. */
  | { readonly kind: "user-network" };

/** A PCI Express root port with what is plugged into it; empty ones are for hot-plug. */
export function rootPort(id: string, behind: readonly PciDevice[] = [], more: Partial<PciDevice> = {}): PciDevice {
  return { driver: "pcie-root-port", id, behind, ...more };
}

/** A conventional PCI bus behind a PCI Express bridge: everything on it is one IOMMU group. */
export function conventionalBridge(id: string, behind: readonly PciDevice[]): PciDevice {
  return { driver: "pcie-pci-bridge", id, behind };
}

/** A PCI Express switch without ACS, with one downstream port for each of `endpoints`. */
export function expressSwitch(id: string, endpoints: readonly PciDevice[]): PciDevice {
  const ports = endpoints.map((endpoint, index): PciDevice => {
    return { driver: "xio3130-downstream", id: `${id}-port${index}`, behind: [endpoint] };
  });
  return { driver: "x3130-upstream", id, behind: ports };
}

/** A network card on a network of its own, without a boot ROM (the firmware would run it). Explicit MACs, because QEMU would give every lab the same ones. */
export function networkCard(driver: string, id: string, mac: string, more: Partial<PciDevice> = {}): PciDevice {
  return { driver, id, backend: { kind: "user-network" }, ...more, options: { mac, romfile: "", ...more.options } };
}

/** An NVMe controller with one namespace in `<id>.raw`. */
export function nvme(id: string, serial: string, text?: string, more: Partial<PciDevice> = {}): PciDevice {
  const backend: Backend = { kind: "disk", file: `${id}.raw`, sizeMiB: 64, ...(text === undefined ? {} : { text }) };
  return { driver: "nvme", id, backend, ...more, options: { serial, ...more.options } };
}
