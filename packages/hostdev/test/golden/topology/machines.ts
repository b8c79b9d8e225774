// SPDX-License-Identifier: Apache-2.0
import { readInventory } from "../../../src/cli/inventory.ts";
import { buildView, type TopologyView } from "../../../src/cli/topology/view.ts";
import type { Host } from "../../../src/core/host.ts";
import { readTopology } from "../../../src/pci/topology.ts";
import { type FakeHost, fakeMachine, labMachine } from "../../fake-host/index.ts";

const pciIds = `8086  Intel Corporation
\t100e  82540EM Gigabit Ethernet Controller
\t10d3  82574L Gigabit Network Connection
10de  NVIDIA Corporation
\t1b81  GP104 <GeForce GTX 1070> & "friends", with a name that is longer than any card is wide
1b36  Red Hat, Inc.
\t000c  QEMU PCIe Root port
\t000e  QEMU PCIe-to-PCI bridge
`;

/** Makes what every picture is made from. */
export async function readView(host: Host): Promise<TopologyView> {
  const { items } = await readInventory(host);
  const functions = items.map((item) => item.function);
  return buildView(readTopology(host, functions), items);
}

/** The lab, with every verdict in it, as alex sees it. */
export function smallMachine(): FakeHost {
  const machine = labMachine()
    .bootModule("vfio-pci")
    .bootModule("pci-stub")
    .file("/usr/share/misc/pci.ids", pciIds)
    .file("/proc/sys/kernel/hostname", "lab1\n")
    .function("0000:00:1f.0", { ids: "8086:2918", class: "060100", group: null })
    .function("0000:00:1f.3", { ids: "8086:2930", class: "0c0500", group: null })
    .build();
  for (const address of ["0000:01:00.0", "0000:02:00.0", "0000:06:00.0"]) machine.rebind(address, "vfio-pci");
  machine.rebind("0000:04:02.0", "pci-stub");
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "3");
  const root = machine.open();
  root.setOwnership("/dev/vfio/11", { uid: 1000, gid: 0, mode: 0o600 });
  root.setOwnership("/dev/vfio/15", { uid: 1001, gid: 0, mode: 0o600 });
  return machine.open("alex");
}

/** Groups whose members are apart: neighbours with another between, and a bridge with strangers behind it. */
export function scatteredMachine(): FakeHost {
  return fakeMachine()
    .iommu()
    .file("/usr/share/misc/pci.ids", pciIds)
    .bridge("0000:00:02.0", { secondary: 1, group: 9 })
    .function("0000:01:00.0", { ids: "10de:1b81", class: "030000", driver: "nouveau", drm: "card0", group: 9 })
    .function("0000:01:00.1", { ids: "10de:10f0", class: "040300", driver: "snd_hda_intel", group: 9 })
    .function("0000:01:01.0", { ids: "8086:100e", driver: "e1000", net: "\u001b[31mred", group: 10 })
    .function("0000:00:03.0", { group: 7 })
    .function("0000:00:04.0", { group: 8 })
    .function("0000:00:05.0", { group: 7 })
    .function("10000:e0:06.0", { group: 7 })
    .user("alex", 1000)
    .build()
    .open("alex");
}

/** A server of about 200 functions: two NICs with 64 virtual functions each, GPUs that share groups, SSDs. */
export function serverMachine(): FakeHost {
  const builder = fakeMachine().iommu().file("/usr/share/misc/pci.ids", pciIds).user("alex", 1000);
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  for (const bus of [0x10, 0x20]) {
    const vfs = { total: 64, ids: "8086:10ca", driver: "igbvf", offset: 16, stride: 1 };
    builder.bridge(`0000:00:01.${bus >> 5}`, { secondary: bus, subordinate: bus + 1 });
    builder.function(`0000:${hex(bus)}:00.0`, { ids: "8086:10c9", driver: "igb", net: `enp${bus}s0`, vfs });
  }
  for (let bus = 0x40; bus < 0x58; bus++) {
    builder.bridge(`0000:00:${hex(bus >> 2)}.${bus & 3}`, { secondary: bus });
    builder.function(`0000:${hex(bus)}:00.0`, { class: "010802", driver: "nvme", nvme: `nvme${bus - 0x40}` });
  }
  for (let bus = 0x80; bus < 0x84; bus++) {
    builder.bridge(`0000:00:02.${bus & 3}`, { secondary: bus, group: 400 + bus });
    for (const [fn, driver] of ["nouveau", "snd_hda_intel"].entries()) {
      builder.function(`0000:${hex(bus)}:00.${fn}`, { ids: "10de:1b81", class: "030000", driver, group: 400 + bus });
    }
  }
  const machine = builder.build();
  for (const bus of [0x10, 0x20]) machine.write(`/sys/bus/pci/devices/0000:${hex(bus)}:00.0/sriov_numvfs`, "64");
  return machine.open("alex");
}
