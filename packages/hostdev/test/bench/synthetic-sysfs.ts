// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Kinds of functions; a block of 16 has each as often as given. */
const block = [
  { kind: "bridge", ids: "8086:A190", class: "60400", driver: "pcieport" },
  { kind: "pf", ids: "8086:1572", class: "20000", driver: "i40e" },
  ...Array.from({ length: 10 }, () => ({ kind: "vf", ids: "8086:154C", class: "20000", driver: "iavf" })),
  { kind: "bridge", ids: "8086:A194", class: "60400", driver: "pcieport" },
  { kind: "nvme", ids: "144D:A808", class: "10802", driver: "nvme" },
  { kind: "gpu", ids: "10DE:1B81", class: "30000", driver: "nouveau" },
  { kind: "audio", ids: "10DE:10F0", class: "40300", driver: "snd_hda_intel" },
] as const;

/** Files that every function has and that a list does not read; they make its folder as long as a real one. */
const unread = [
  ...["ari_enabled", "broken_parity_status", "consistent_dma_mask_bits", "current_link_speed", "current_link_width"],
  ...["d3cold_allowed", "dma_mask_bits", "driver_override", "enable", "irq", "local_cpulist", "local_cpus", "modalias"],
  ...["max_link_speed", "max_link_width", "msi_bus", "power_state", "remove", "rescan", "reset", "reset_method"],
  ...["resource", "resource0", "revision", "subsystem_device", "subsystem_vendor", "vendor", "device", "class", "rom"],
];

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

/**
 * Makes the part of sysfs that lists read, of a machine with `count` functions, as real files below `root`: root ports,
 * physical functions with virtual ones, disks, graphics cards whose functions share a group.
 */
export function makeSysfs(root: string, count: number): void {
  const devices = join(root, "sys/bus/pci/devices");
  for (const path of [devices, join(root, "sys/kernel/iommu_groups")]) mkdirSync(path, { recursive: true });
  for (let index = 0; index < count; index++) {
    const number = Math.floor(index / block.length);
    const at = index % block.length;
    const spec = block[at] ?? block[0];
    const address = addressOf(number, at);
    const { domain, port } = placeOf(number, at);
    const real = `devices/pci${domain}:00/${spec.kind === "bridge" ? address : `${port}/${address}`}`;
    const folder = join(root, "sys", real);
    mkdirSync(folder, { recursive: true });
    const group = spec.kind === "audio" ? index - 1 : index;
    makeFunction(folder, spec, address, join(root, `sys/kernel/iommu_groups/${group}/devices`), index);
    if (spec.kind === "vf") symlinkSync(`../${addressOf(number, 1)}`, join(folder, "physfn"));
    symlinkSync(`../../../${real}`, join(devices, address));
  }
}

/** Each block has two ports and the buses behind them; fifteen blocks fill a PCI domain. */
function placeOf(number: number, at: number): { readonly domain: string; readonly bus: number; readonly port: string } {
  const domain = hex(Math.floor(number / 15), 4);
  const within = number % 15;
  const isFirst = at < 12;
  const port = `${domain}:00:${hex(within * 2 + 1 + (isFirst ? 0 : 1), 2)}.0`;
  return { domain, bus: within * 2 + (isFirst ? 1 : 2), port };
}

function addressOf(number: number, at: number): string {
  const { domain, bus, port } = placeOf(number, at);
  if (block[at]?.kind === "bridge") return port;
  const within = at < 12 ? at - 1 : at - 13;
  return `${domain}:${hex(bus, 2)}:${hex(within >> 3, 2)}.${within & 7}`;
}

function makeFunction(folder: string, spec: (typeof block)[number], address: string, members: string, index: number) {
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const ids = `PCI_CLASS=${spec.class}\nPCI_ID=${spec.ids}\nPCI_SUBSYS_ID=8086:0000\n`;
  file("uevent", `DRIVER=${spec.driver}\n${ids}PCI_SLOT_NAME=${address}\nMODALIAS=pci:v00008086d00001572\n`);
  file("numa_node", "0\n");
  for (const name of unread) file(name, "");
  if (spec.kind === "bridge") file("secondary_bus_number", "1\n");
  if (spec.kind === "gpu") file("boot_vga", "0\n");
  symlinkSync(`../../../../bus/pci/drivers/${spec.driver}`, join(folder, "driver"));
  symlinkSync("../../../../bus/pci", join(folder, "subsystem"));
  symlinkSync(`../../../../kernel/iommu_groups/${members.split("/").at(-2)}`, join(folder, "iommu_group"));
  if (spec.kind === "pf" || spec.kind === "vf") mkdirSync(join(folder, `net/eth${index}`), { recursive: true });
  if (spec.kind === "nvme") mkdirSync(join(folder, `nvme/nvme${index}/nvme${index}n1`), { recursive: true });
  if (spec.kind === "gpu") mkdirSync(join(folder, `drm/card${index}`), { recursive: true });
  mkdirSync(members, { recursive: true });
  symlinkSync(`../../../../bus/pci/devices/${address}`, join(members, address));
}
