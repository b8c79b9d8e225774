// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import { hasIommuGroups } from "../../pci/iommu-group.ts";
import { readAttribute } from "../../pci/sysfs.ts";
import { writeXml, type XmlOutput } from "../../xml/writer.ts";
import { type CpuTopology, type HostNode, readCpuTopology } from "./cpu-topology.ts";
import type { EmulatedMachine, EmulatorFacts } from "./emulator-facts.ts";
import { element, textElement } from "./xml-elements.ts";

/**
 * Describes the host and its emulators as libvirt's `<capabilities>` do. What libvirt's own table of processors is
 * needed for, the host's model and its features, is left out.
 *
 * Source: libvirt `virCapabilitiesFormatXML`.
 */
export function capabilitiesXml(host: Host, emulators: readonly EmulatorFacts[], hasKvm: boolean): string {
  const topology = readCpuTopology(host);
  return writeXml(
    element("capabilities", {}, [
      element("host", {}, [
        textElement("uuid", readHostUuid(host)),
        element("cpu", {}, [
          textElement("arch", "x86_64"),
          ...(topology.vendor === undefined ? [] : [textElement("vendor", topology.vendor)]),
          element("topology", {
            sockets: topology.sockets,
            dies: topology.dies,
            cores: topology.cores,
            threads: topology.threads,
          }),
          ...pageSizes(host).map((size) => element("pages", { unit: "KiB", size })),
        ]),
        element("power_management"),
        element("iommu", { support: hasIommuGroups(host) ? "yes" : "no" }),
        element("topology", {}, [formatCells(topology)]),
        element("secmodel", {}, [textElement("model", "none"), textElement("doi", "0")]),
      ]),
      ...emulators.map((emulator) => formatGuest(emulator, hasKvm)),
    ]),
  );
}

/** The host's own UUID: the system's id, since the firmware's is root's to read. */
function readHostUuid(host: Host): string {
  const id = readAttribute(host, "/etc/machine-id") ?? "";
  const digits = /^[0-9a-f]{32}$/.test(id) ? id : "0".repeat(32);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function pageSizes(host: Host): readonly number[] {
  const huge = (host.list("/sys/kernel/mm/hugepages") ?? []).map((name) => Number(/(\d+)kB/.exec(name)?.[1] ?? 0));
  return [4, ...huge.filter((size) => size > 0).sort((a, b) => a - b)];
}

function formatCells({ nodes }: CpuTopology): XmlOutput {
  return element("cells", { num: nodes.length }, nodes.map(formatCell));
}

function formatCell({ id, totalKiB, cpus, distances }: HostNode): XmlOutput {
  return element("cell", { id }, [
    { ...textElement("memory", String(totalKiB)), attributes: [["unit", "KiB"]] },
    element(
      "distances",
      {},
      distances.map((value, sibling) => element("sibling", { id: sibling, value })),
    ),
    element(
      "cpus",
      { num: cpus.length },
      cpus.map((cpu) =>
        element("cpu", {
          id: cpu.id,
          socket_id: cpu.socket,
          die_id: cpu.die,
          core_id: cpu.core,
          siblings: cpu.siblings,
        }),
      ),
    ),
  ]);
}

function formatGuest({ arch, path, machines }: EmulatorFacts, hasKvm: boolean): XmlOutput {
  // The default first, as on libvirt: virt-install takes the first one for a VM that asks for none.
  const inOrder = machines.toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault));
  return element("guest", {}, [
    textElement("os_type", "hvm"),
    element("arch", { name: arch }, [
      textElement("wordsize", arch === "i686" ? "32" : "64"),
      textElement("emulator", path),
      ...inOrder.flatMap(formatMachine),
      element("domain", { type: "qemu" }),
      ...(hasKvm ? [element("domain", { type: "kvm" })] : []),
    ]),
    element("features", {}, [
      element("acpi", { default: "on", toggle: "yes" }),
      element("apic", { default: "on", toggle: "no" }),
      ...(arch === "i686" ? [element("pae"), element("nonpae")] : []),
      element("cpuselection"),
      element("deviceboot"),
      element("disksnapshot", { default: "on", toggle: "no" }),
      element("externalSnapshot"),
    ]),
  ]);
}

/** A machine under its name, and again under its other one. */
function formatMachine({ name, alias, maxCpus, isDeprecated }: EmulatedMachine): readonly XmlOutput[] {
  const attributes = { maxCpus, deprecated: isDeprecated ? "yes" : undefined };
  const machine = { ...element("machine", attributes), text: name };
  if (alias === undefined) return [machine];
  return [machine, { ...element("machine", { canonical: name, ...attributes }), text: alias }];
}
