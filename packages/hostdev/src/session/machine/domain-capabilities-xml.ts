// SPDX-License-Identifier: Apache-2.0
import { writeXml, type XmlOutput } from "../../xml/writer.ts";
import type { EmulatedCpu, EmulatorFacts } from "./emulator-facts.ts";
import { element, textElement } from "./xml-elements.ts";

/** What the capabilities are asked for. */
export interface DomainCapabilitiesRequest {
  readonly emulator: EmulatorFacts;
  readonly machine: string;
  readonly maxCpus: number;
  readonly virtType: "kvm" | "qemu";
  /** Whether this machine has IOMMU groups and VFIO. */
  readonly hasVfio: boolean;
}

/**
 * Describes what a domain may have, as libvirt's `<domainCapabilities>` do: what this emulator has and hostdev can
 * give a VM. Pure.
 *
 * Source: libvirt `virDomainCapsFormat`, `virQEMUCapsFillDomainCaps`.
 */
export function domainCapabilitiesXml(request: DomainCapabilitiesRequest): string {
  const { emulator, machine, maxCpus, virtType, hasVfio } = request;
  const { types } = emulator;
  const has = (...names: readonly string[]) => names.some((name) => types.has(name));
  const virtioModels = ["virtio", "virtio-transitional", "virtio-non-transitional"];
  return writeXml(
    element("domainCapabilities", {}, [
      textElement("path", emulator.path),
      textElement("domain", virtType),
      textElement("machine", machine),
      textElement("arch", emulator.arch),
      element("vcpu", { max: maxCpus }),
      element("iothreads", { supported: has("iothread") ? "yes" : "no" }),
      supported("os", [
        values("firmware", []),
        supported("loader", [
          values("type", ["rom", "pflash"]),
          values("readonly", ["yes", "no"]),
          values("secure", ["no"]),
        ]),
      ]),
      formatCpu(emulator.cpus, virtType),
      supported("memoryBacking", [values("sourceType", ["file", "anonymous", "memfd"])]),
      element("devices", {}, [
        supported("disk", [
          values("diskDevice", ["disk", "cdrom", "floppy", "lun"]),
          values("bus", [...(hasIde(machine) ? ["ide"] : []), "fdc", "scsi", "virtio", "usb", "sata"]),
          values("model", virtioModels),
        ]),
        supported("graphics", [
          values("type", [
            "vnc",
            ...(has("chardev-spicevmc") ? ["spice"] : []),
            "egl-headless",
            ...(has("dbus-display") ? ["dbus"] : []),
          ]),
        ]),
        supported("video", [
          values(
            "modelType",
            videoModels.filter(([, type]) => has(...type)).map(([name]) => name),
          ),
        ]),
        supported("hostdev", [
          values("mode", ["subsystem"]),
          values("startupPolicy", ["default", "mandatory", "requisite", "optional"]),
          values("subsysType", ["usb", "pci", "scsi"]),
          values("capsType", []),
          values("pciBackend", hasVfio ? ["default", "vfio"] : []),
        ]),
        supported("rng", [values("model", virtioModels), values("backendModel", ["random", "egd", "builtin"])]),
        ...(has("tpm-passthrough", "tpm-emulator")
          ? [
              supported("tpm", [
                values(
                  "model",
                  ["tpm-tis", "tpm-crb"].filter((name) => has(name)),
                ),
                values(
                  "backendModel",
                  ["passthrough", "emulator"].filter((name) => has(`tpm-${name}`)),
                ),
              ]),
            ]
          : []),
        supported("redirdev", [values("bus", ["usb"])]),
        supported("channel", [values("type", ["pty", "unix", ...(has("chardev-spicevmc") ? ["spicevmc"] : [])])]),
      ]),
      element("features", {}, [
        element("gic", { supported: "no" }),
        element("vmcoreinfo", { supported: has("vmcoreinfo") ? "yes" : "no" }),
        element("genid", { supported: has("vmgenid") ? "yes" : "no" }),
        element("backingStoreInput", { supported: "yes" }),
        element("backup", { supported: "no" }),
        element("sev", { supported: "no" }),
      ]),
    ]),
  );
}

/** Whether a machine has an IDE controller of its own; clients take the first bus for their disks. */
function hasIde(machine: string): boolean {
  return /^pc(-i440fx-|-[01]\.|$)/.test(machine);
}

/** Models of video cards, and a type of device that shows that the emulator has it. */
const videoModels: readonly (readonly [name: string, types: readonly string[]])[] = [
  ["vga", ["VGA"]],
  ["cirrus", ["cirrus-vga"]],
  ["vmvga", ["vmware-svga"]],
  ["qxl", ["qxl-vga"]],
  ["virtio", ["virtio-gpu-device", "virtio-gpu-pci"]],
  ["none", ["object"]],
  ["bochs", ["bochs-display"]],
  ["ramfb", ["ramfb"]],
];

function supported(name: string, children: readonly XmlOutput[]): XmlOutput {
  return element(name, { supported: "yes" }, children);
}

function values(name: string, list: readonly string[]): XmlOutput {
  return element(
    "enum",
    { name },
    list.map((value) => textElement("value", value)),
  );
}

/** Models with a version at the end are QEMU's own names for what libvirt calls without one. */
function formatCpu(cpus: readonly EmulatedCpu[], virtType: "kvm" | "qemu"): XmlOutput {
  const isSpecial = ({ name }: EmulatedCpu) => /-v\d+$|^(host|max|base)$/.test(name);
  const migratable = [values("maximumMigratable", ["on", "off"])];
  const passthrough = virtType === "kvm" ? [values("hostPassthroughMigratable", ["on", "off"])] : [];
  return element("cpu", {}, [
    element("mode", { name: "host-passthrough", supported: virtType === "kvm" ? "yes" : "no" }, passthrough),
    element("mode", { name: "maximum", supported: "yes" }, migratable),
    element("mode", { name: "host-model", supported: "no" }),
    element(
      "mode",
      { name: "custom", supported: "yes" },
      cpus
        .filter((cpu) => !isSpecial(cpu))
        .map(({ name, isUsable }) => ({ ...element("model", { usable: isUsable ? "yes" : "no" }), text: name })),
    ),
  ]);
}
