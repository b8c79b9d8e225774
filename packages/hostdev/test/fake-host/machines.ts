// SPDX-License-Identifier: Apache-2.0

import { addressAfter, hex } from "./function-spec.ts";
import { fakeMachine, type MachineBuilder } from "./machine-builder.ts";

const GiB = 1024 ** 3;

/**
 * The lab's zoo: everything that the lab's emulated machine has, with the same addresses.
 *
 * - `0000:01:00.0` e1000e, alone in group 11; `0000:02:00.0` NVMe, alone in group 12;
 * - group 13: a PCIe-to-PCI bridge `0000:03:00.0` with e1000 `0000:04:01.0`, edu `0000:04:02.0` (no driver) and
 *   ES1370 `0000:04:03.0`;
 * - `0000:05:00.0` igb, 7 virtual functions possible; `0000:06:00.0` xHCI; `0000:00:01.0` the boot VGA;
 * - users alex (1000) and bea (1001), a shell of alex, 8 GiB; `/dev/vfio/vfio` from the start; systemd.
 */
export function labMachine(): MachineBuilder {
  return fakeMachine()
    .iommu()
    .systemd()
    .staticNodes()
    .function("0000:00:01.0", {
      ids: "1234:1111",
      class: "030000",
      driver: "bochs-drm",
      drm: "card0",
      bootVga: true,
      pcie: false,
      reset: [],
      group: 1,
    })
    .bridge("0000:00:02.0", { secondary: 1, group: 2 })
    .bridge("0000:00:03.0", { secondary: 2, group: 3 })
    .bridge("0000:00:04.0", { secondary: 3, subordinate: 4, group: 4 })
    .bridge("0000:00:05.0", { secondary: 5, group: 5 })
    .bridge("0000:00:06.0", { secondary: 6, group: 6 })
    .function("0000:01:00.0", {
      ids: "8086:10d3",
      class: "020000",
      driver: "e1000e",
      net: "enp1s0",
      group: 11,
      serial: "525400ffff123456",
    })
    .function("0000:02:00.0", {
      ids: "1b36:0010",
      class: "010802",
      driver: "nvme",
      nvme: { name: "nvme0", serial: "lab0" },
      group: 12,
    })
    .bridge("0000:03:00.0", { secondary: 4, portType: 7, group: 13 })
    .function("0000:04:01.0", {
      ids: "8086:100e",
      class: "020000",
      driver: "e1000",
      net: { name: "enp4s1", mac: "52:54:00:00:04:01" },
      pcie: false,
      reset: ["bus"],
      group: 13,
    })
    .function("0000:04:02.0", { ids: "1234:11e8", class: "00ff00", pcie: false, reset: [], group: 13 })
    .function("0000:04:03.0", {
      ids: "1274:5000",
      class: "040100",
      driver: "snd_ens1370",
      sound: "card0",
      pcie: false,
      reset: [],
      group: 13,
    })
    .function("0000:05:00.0", {
      ids: "8086:10c9",
      class: "020000",
      driver: "igb",
      net: { name: "enp5s0", mac: "52:54:00:00:05:00" },
      vfs: { total: 7, ids: "8086:10ca", driver: "igbvf", firstGroup: 20 },
      group: 14,
    })
    .function("0000:06:00.0", {
      ids: "1b36:000d",
      class: "0c0330",
      driver: "xhci_hcd",
      module: "xhci_pci",
      children: [{ at: "usb1" }, { at: "usb2" }],
      group: 15,
    })
    .user("alex", 1000)
    .user("bea", 1001)
    .mount("overlay", "/", "overlay")
    .process({ user: "alex", comm: "bash", cmdline: ["-bash"] });
}

/**
 * A workstation: the root file system on NVMe `0000:02:00.0`, a second GPU with its audio function in group 14
 * (`0000:01:00.0`, `.1`), a SATA controller and an onboard NIC that is up, the boot VGA, and the xHCI of the keyboard.
 */
export function desktopMachine(): MachineBuilder {
  return fakeMachine()
    .iommu()
    .memory(32 * GiB)
    .function("0000:00:02.0", {
      ids: "8086:3e92",
      class: "030000",
      driver: "i915",
      drm: "card0",
      bootVga: true,
      pcie: false,
      group: 0,
    })
    .bridge("0000:00:01.0", { secondary: 1, group: 14 })
    .bridge("0000:00:1b.0", { secondary: 2, group: 3 })
    .function("0000:00:14.0", {
      ids: "8086:a36d",
      class: "0c0330",
      driver: "xhci_hcd",
      module: "xhci_pci",
      reset: [],
      pcie: false,
      children: [
        { at: "usb1" },
        { at: "usb1/1-1", files: { product: "Keyboard" } },
        { at: "usb1/1-1/1-1:1.0", files: { bInterfaceClass: "03", bInterfaceProtocol: "01" } },
      ],
      group: 4,
    })
    .function("0000:00:17.0", {
      ids: "8086:a352",
      class: "010601",
      driver: "ahci",
      disks: { sda: 1 },
      reset: [],
      pcie: false,
      group: 5,
    })
    .function("0000:00:1f.6", {
      ids: "8086:15bb",
      class: "020000",
      driver: "e1000e",
      net: { name: "enp0s31f6", operstate: "up" },
      pcie: false,
      group: 6,
    })
    .function("0000:01:00.0", {
      ids: "10de:1b81",
      class: "030000",
      driver: "nouveau",
      drm: "card1",
      reset: ["bus"],
      group: 14,
    })
    .function("0000:01:00.1", {
      ids: "10de:10f0",
      class: "040300",
      driver: "snd_hda_intel",
      sound: "card1",
      reset: ["bus"],
      group: 14,
    })
    .function("0000:02:00.0", {
      ids: "144d:a808",
      class: "010802",
      driver: "nvme",
      nvme: { name: "nvme0", serial: "S4EWNX0", partitions: 3 },
      group: 15,
    })
    .user("alex", 1000)
    .mount("/dev/nvme0n1p2", "/", "ext4", "259:2")
    .mount("/dev/nvme0n1p1", "/boot/efi", "vfat", "259:1")
    .swap("/dev/nvme0n1p3")
    .file(
      "/proc/net/route",
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\nenp0s31f6\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
    );
}

/** A machine whose IOMMU is off: one NIC, no groups. */
export function noIommuMachine(): MachineBuilder {
  return fakeMachine()
    .bridge("0000:00:02.0", { secondary: 1 })
    .function("0000:01:00.0", { ids: "8086:10d3", class: "020000", driver: "e1000e", net: "enp1s0" })
    .user("alex", 1000)
    .mount("/dev/vda1", "/", "ext4");
}

/** A machine with so many functions, 8 in each device behind root ports, each device one group; at most 4096 or so. */
export function bigMachine(functions: number): MachineBuilder {
  const machine = fakeMachine().iommu();
  for (let index = 0; index < functions; index++) {
    const domain = hex(index >> 11, 4); // 8 buses of 256 functions each in a PCI domain
    const bus = 1 + ((index >> 8) & 7);
    if ((index & 255) === 0) machine.bridge(`${domain}:00:${hex(bus, 2)}.0`, { secondary: bus });
    const address = addressAfter(`${domain}:${hex(bus, 2)}:00.0`, index & 255);
    machine.function(address, { ids: "8086:10d3", driver: "e1000e", net: `eth${index}`, group: 1000 + (index >> 3) });
  }
  return machine;
}
