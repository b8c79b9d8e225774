// SPDX-License-Identifier: Apache-2.0

import {
  conventionalBridge,
  expressSwitch,
  networkCard,
  nvme,
  type PciDevice,
  rootPort,
  type Topology,
} from "./topology.ts";

/** The text in the first block of the NVMe controller LAB1; a guest that got the controller can read it. */
export const lab1Text = "hostdev lab disk LAB1: whoever reads this has the controller\n";

/** e1000e alone behind a root port: a group of one, at 0000:01:00.0. */
export const nicAlone: PciDevice = rootPort("port-nic", [networkCard("e1000e", "nic", "52:54:00:1a:b0:01")]);

/** NVMe alone behind a root port: a group of one, at 0000:02:00.0, serial LAB1. */
export const nvmeAlone: PciDevice = rootPort("port-nvme", [nvme("nvme1", "LAB1", lab1Text)]);

/**
 * A conventional bus: e1000, edu and ES1370 at 0000:04:01.0, :02.0 and :03.0 are one group (with the bridge at 0000:03:00.0).
 * edu is the one to lend, the others are its mates.
 */
export const conventionalBus: PciDevice = rootPort("port-conventional", [
  conventionalBridge("conventional", [
    networkCard("e1000", "mate-nic", "52:54:00:1a:b0:02", { at: "01" }),
    { driver: "edu", id: "edu", at: "02" },
    { driver: "ES1370", id: "mate-sound", at: "03", options: { audiodev: "silence" } },
  ]),
]);

/** The smallest machine for most stories: a lone NIC, a lone NVMe, one group of three endpoints, two empty ports. */
export const smallZoo: Topology = {
  devices: [nicAlone, nvmeAlone, conventionalBus, rootPort("empty0"), rootPort("empty1")],
};

/** Every kind of group we know, on a stock kernel. The addresses of {@link smallZoo} are the same here. */
export const fullZoo: Topology = {
  devices: [
    ...[nicAlone, nvmeAlone, conventionalBus],
    // SR-IOV: 82576 with up to 7 virtual functions, each in a group of its own.
    rootPort("port-igb", [networkCard("igb", "igb", "52:54:00:1a:b0:03")]),
    // Two groups of one port and one endpoint each.
    rootPort("port-switch", [
      expressSwitch("switch", [
        networkCard("e1000e", "switch-nic0", "52:54:00:1a:b0:04"),
        networkCard("e1000e", "switch-nic1", "52:54:00:1a:b0:05"),
      ]),
    ]),
    // Two ports of one device without ACS: both ports and what is behind them are one group.
    rootPort("twin0", [networkCard("e1000e", "twin-nic0", "52:54:00:1a:b0:06")], {
      at: "08.0",
      options: { multifunction: true, "disable-acs": true },
    }),
    rootPort("twin1", [networkCard("e1000e", "twin-nic1", "52:54:00:1a:b0:07")], {
      at: "08.1",
      options: { "disable-acs": true },
    }),
    // An endpoint of two functions: one group.
    rootPort("port-combo", [
      nvme("nvme2", "LAB2", undefined, { at: "00.0", options: { multifunction: true } }),
      { driver: "qemu-xhci", id: "combo-usb", at: "00.1" },
    ]),
    // The only USB controller with a keyboard, and the only display.
    rootPort("port-usb", [{ driver: "qemu-xhci", id: "usb" }]),
    rootPort("port-display", [{ driver: "bochs-display", id: "display" }]),
    // For mounts, swap, LVM and RAID.
    rootPort("port-disk", [nvme("nvme3", "LAB3")]),
    ...[rootPort("empty0"), rootPort("empty1"), rootPort("empty2")],
  ],
  extra: [{ driver: "usb-kbd", id: "keyboard", options: { bus: "usb.0" } }],
};
