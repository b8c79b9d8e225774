// SPDX-License-Identifier: Apache-2.0

/** A device that a native driver makes, such as a network interface: a directory below the PCI function. */
export interface HostSideDevice {
  /** Below the function's directory, such as `net/enp1s0` or `nvme/nvme0/nvme0n1/nvme0n1p2`. */
  readonly at: string;
  /** The class it is listed in: `/sys/class/<class>/<name>`. Absent for inner nodes such as `usb1/1-1`. */
  readonly class?: string;
  /** Files: names and contents without the final newline. */
  readonly files?: Readonly<Record<string, string>>;
  /** Its device number, `major:minor`; gives a `dev` file. */
  readonly number?: string;
  /** Its node, such as `/dev/nvme0n1`; root's, 0660. */
  readonly node?: string;
}

/** What the PF's virtual functions are. */
export interface VirtualFunctionsSpec {
  /** How many the driver offers. */
  readonly total: number;
  readonly ids: string;
  /** Their native driver. */
  readonly driver?: string;
  /** Distance of the first one from the PF, in routing ids. Default 128, as QEMU's igb has it. */
  readonly offset?: number;
  /** Default 2. */
  readonly stride?: number;
  /** Numbers below are taken, by functions that this machine leaves out. Default 0. */
  readonly firstGroup?: number;
}

/** A PCI function as soldered in: what stays over a reboot. All but the address may be left out. */
export interface FunctionOptions {
  /** `vendor:device`; default `1b36:0010`. */
  readonly ids?: string;
  /** `vendor:device` of the subsystem; default `1af4:1100`. */
  readonly subsystem?: string;
  /** Six hexadecimal digits; default `020000`. */
  readonly class?: string;
  readonly revision?: number;
  /** The driver that knows its ids. Absent: this kernel has none for it. */
  readonly driver?: string;
  /** The module that has the driver; default the driver's name with `_` for `-`. `null`: built into the kernel. */
  readonly module?: string | null;
  /** IOMMU group. Absent: one of its own. `null`: the IOMMU does not cover it. */
  readonly group?: number | null;
  readonly net?: string | { readonly name: string; readonly mac?: string; readonly operstate?: string };
  readonly nvme?: string | { readonly name: string; readonly serial?: string; readonly partitions?: number };
  /** Name of the DRM card, such as `card0`. */
  readonly drm?: string;
  /** Name of the sound card, such as `card0`. */
  readonly sound?: string;
  /** Names of SATA/SCSI disks, such as `sda`, with so many partitions. */
  readonly disks?: Readonly<Record<string, number>>;
  /** Any further devices that the native driver makes. */
  readonly children?: readonly HostSideDevice[];
  /** What `reset_method` lists; default `["flr"]`. Empty: no `reset` file. */
  readonly reset?: readonly string[];
  readonly irq?: number;
  readonly numaNode?: number;
  readonly bootVga?: boolean;
  /** Whether it has a PCI Express capability, thus 4096 bytes of config space. Default true. */
  readonly pcie?: boolean;
  /** Device serial number capability, 16 hexadecimal digits. */
  readonly serial?: string;
  readonly vfs?: VirtualFunctionsSpec;
  /** Vital product data; only root may read the `vpd` file. */
  readonly vpd?: Uint8Array;
  /** Replaces the made-up config space. */
  readonly config?: Uint8Array;
  /** The native driver's probe fails with this errno. */
  readonly probeErrno?: string;
  /** Set for a bridge (header type 1). */
  readonly bridge?: BridgeOptions;
}

export interface BridgeOptions {
  /** Bus number behind it. */
  readonly secondary: number;
  readonly subordinate?: number;
  /** PCIe device/port type: 4 root port, 5 upstream, 6 downstream, 7 PCIe-to-PCI bridge. */
  readonly portType?: 4 | 5 | 6 | 7;
}

/** A function of the machine as declared. */
export interface FunctionSpec extends FunctionOptions {
  readonly address: string;
}

/** The numbers in an address. */
export interface AddressParts {
  readonly domain: string;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
}

/** Takes `0000:01:00.0` apart. The fake has its own so that tests of the real one can use the fake. */
export function addressParts(address: string): AddressParts {
  const match = /^([0-9a-f]{4,}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/.exec(address);
  if (match === null) throw new Error(`${JSON.stringify(address)} is no PCI address in the kernel's spelling`);
  const [, domain = "", bus = "", device = "", fn = ""] = match;
  return { domain, bus: Number.parseInt(bus, 16), device: Number.parseInt(device, 16), function: Number(fn) };
}

/** The address so many routing ids after another, as those of virtual functions are. */
export function addressAfter(address: string, routingIds: number): string {
  const { domain, bus, device, function: fn } = addressParts(address);
  const id = bus * 256 + device * 8 + fn + routingIds;
  return `${domain}:${hex(id >> 8, 2)}:${hex((id >> 3) & 31, 2)}.${id & 7}`;
}

export function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** `8086:10d3` as numbers. */
export function idParts(ids: string): { vendor: number; device: number } {
  const match = /^([0-9a-f]{4}):([0-9a-f]{4})$/.exec(ids);
  if (match === null) throw new Error(`${JSON.stringify(ids)} are no ids; write them like "8086:10d3"`);
  return { vendor: Number.parseInt(match[1] ?? "", 16), device: Number.parseInt(match[2] ?? "", 16) };
}
