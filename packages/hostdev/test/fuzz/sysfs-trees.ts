// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import type { Entry } from "./tree-host.ts";

/** A function as generated; what a list must say of it, if anything. */
export interface MadeFunction {
  readonly address: string;
  /** Its folder, without links. */
  readonly path: string;
  /** Whether `uevent` has a class, and can be read. */
  readonly isReadable: boolean;
  readonly classCode: number;
  readonly driver: string | null;
  readonly group: number | null;
  /** After how many reads below its folder it vanishes; `null`: it stays. */
  readonly vanishesAfter: number | null;
}

export interface MadeTree {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly functions: readonly MadeFunction[];
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

/** Domains of all sizes, since those above 0xffff have more digits. */
const address = fc
  .tuple(fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffffffff), fc.nat(0xff), fc.nat(0x1f), fc.nat(7))
  .map(([domain, bus, device, fn]) => `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${fn}`);

/** What the kernel lets names have in them: control characters, escape sequences, directions of writing, halves of pairs. */
const name = fc
  .oneof(
    fc.constantFrom(
      "eth0",
      "\u001b[31mred",
      "\u001b]0;owned\u0007",
      "\u009b2J",
      "\u202egnp",
      "網路卡",
      "a b",
      "x\r\ny",
      "e\u0301",
    ),
    fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
  )
  .filter((text) => !/[/\0]/.test(text) && text !== "." && text !== "..");

/** The text of an attribute: as it should be, all ones, nothing, garbage, too long. */
const garbage = fc.oneof(
  fc.constantFrom("", "\n", "0xffffffff\n", "-1\n", "N/A", "(null)\n", "9".repeat(400), "\u0000\u0000", "0x", "1e3\n"),
  fc.string({ unit: "binary", maxLength: 40 }),
);

/** Config spaces of the lengths that the kernel gives, all ones, zeros, or with pointers that lead in circles. */
const config = fc
  .tuple(fc.constantFrom(0, 63, 64, 256, 4096), fc.constantFrom("ones", "zeros", "circles", "random"), fc.nat(0xffffff))
  .map(([length, kind, seed]) => {
    if (kind === "ones") return new Uint8Array(length).fill(0xff);
    if (kind === "zeros") return new Uint8Array(length);
    const bytes = Uint8Array.from({ length }, (_, index) =>
      kind === "circles" ? 0x40 : (index * 2654435761 + seed) >>> 13,
    );
    if (length > 0x34) bytes.set([0x10, 0x00], 0x06);
    return bytes;
  });

const attributes = [
  ...["numa_node", "boot_vga", "resource", "reset_method", "power_state", "d3cold_allowed", "irq", "msi_bus", "enable"],
  ...["max_link_speed", "max_link_width", "current_link_speed", "current_link_width", "local_cpulist", "modalias"],
  ...["sriov_totalvfs", "sriov_numvfs", "driver_override", "revision", "vpd", "secondary_bus_number"],
] as const;

const madeFunction = fc.record({
  address,
  classCode: fc.oneof(fc.constantFrom(0x020000, 0x010802, 0x030000, 0x060400, 0x060000, 0xffffff, 0), fc.nat(0xffffff)),
  ids: fc.constantFrom("8086:10D3", "FFFF:FFFF", "0:0", "8086", "", "ZZZZ:\u001b[2J"),
  uevent: fc.constantFrom("good", "good", "good", "good", "no class", "empty", "unreadable", "absent"),
  driver: fc.option(fc.oneof(fc.constantFrom("e1000e", "vfio-pci", "pci-stub", "nowhere"), name)),
  group: fc.option(fc.oneof(fc.nat(5).map(String), fc.constantFrom("x", "-1", "", "1e2"))),
  bus: fc.constantFrom("pci0000:00", "pci0000:00/0000:00:1c.0", "pci10000:e0", "platform/x", "pci0000:00/gone"),
  children: fc.dictionary(fc.constantFrom("net", "drm", "sound", "nvme", "virtio0/net", "vfio-dev", "msi_irqs"), name, {
    maxKeys: 3,
  }),
  texts: fc.dictionary(fc.constantFrom(...attributes), fc.oneof(garbage, fc.constant(null)), { maxKeys: 8 }),
  links: fc.dictionary(fc.constantFrom("physfn", "virtfn0", "virtfn1", "virtfnx"), fc.oneof(address, name), {
    maxKeys: 2,
  }),
  config: fc.option(config),
  vanishesAfter: fc.option(fc.nat(30), { freq: 4 }),
});

type Drawn = typeof madeFunction extends fc.Arbitrary<infer T> ? T : never;

function place(drawn: Drawn, entries: Map<string, Entry>): MadeFunction {
  const { address, classCode, ids, uevent, driver, group, vanishesAfter } = drawn;
  const path = `/sys/devices/${drawn.bus}/${address}`;
  entries.set(`/sys/bus/pci/devices/${address}`, { link: `../../../devices/${drawn.bus}/${address}` });
  const classLine = uevent === "good" ? `PCI_CLASS=${classCode.toString(16).toUpperCase()}\n` : "";
  const text =
    uevent === "empty" ? "" : `DRIVER=x\n${classLine}PCI_ID=${ids}\nPCI_SUBSYS_ID=${ids}\nPCI_SLOT_NAME=${address}\n`;
  if (uevent !== "absent") {
    entries.set(`${path}/uevent`, uevent === "unreadable" ? { errno: "EACCES" } : { content: text });
  }
  entries.set(`${path}/vendor`, { content: "0xffff\n" });
  if (driver !== null) entries.set(`${path}/driver`, { link: `../../../bus/pci/drivers/${driver}` });
  if (group !== null) {
    entries.set(`${path}/iommu_group`, { link: `../../../kernel/iommu_groups/${group}` });
    if (/^\d+$/.test(group)) {
      entries.set(`/sys/kernel/iommu_groups/${group}/devices/${address}`, {
        link: `../../../../devices/${drawn.bus}/${address}`,
      });
    }
  }
  for (const [folder, child] of Object.entries(drawn.children))
    entries.set(`${path}/${folder}/${child}/x`, { content: "1\n" });
  for (const [file, content] of Object.entries(drawn.texts)) {
    entries.set(`${path}/${file}`, content === null ? { errno: "EIO" } : { content });
  }
  for (const [link, target] of Object.entries(drawn.links)) entries.set(`${path}/${link}`, { link: `../${target}` });
  if (drawn.config !== null) entries.set(`${path}/config`, { content: drawn.config });
  const isReadable = uevent === "good";
  return {
    address,
    path,
    isReadable,
    classCode,
    driver,
    group: /^\d+$/.test(group ?? "") ? Number(group) : null,
    vanishesAfter,
  };
}

/** Trees as sysfs could hardly be worse: no list may fail on one, or say what is not so. */
export const madeTree: fc.Arbitrary<MadeTree> = fc
  .uniqueArray(madeFunction, { selector: (drawn) => drawn.address, maxLength: 6 })
  .map((drawn) => {
    const entries = new Map<string, Entry>();
    entries.set("/sys/kernel/iommu_groups/77/type", { content: "DMA\n" }); // a group without members
    entries.set("/sys/kernel/iommu_groups/78/devices/not-an-address", { link: "../../nowhere" });
    entries.set("/sys/bus/pci/devices/not-an-address", { link: "../nowhere" });
    return { entries, functions: drawn.map((one) => place(one, entries)) };
  });
