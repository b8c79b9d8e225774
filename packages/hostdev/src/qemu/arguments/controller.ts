// SPDX-License-Identifier: Apache-2.0

/** Controllers. libvirt: qemuBuildControllersCommandLine. */
import { controllersOf } from "../../domain/controllers.ts";
import type { Controller, ControllerOf, ControllerType, PciController } from "../../domain/devices/controller.ts";
import type { Domain } from "../../domain/domain.ts";
import { chipsetOf } from "../../domain/machine.ts";
import { unsupported } from "../../xml/complaint.ts";
import { addressProperties, virtioDriver, virtioProperties } from "./address.ts";
import { iothreadProperties } from "./iothread.ts";
import { type Build, deviceArgument, type Properties } from "./options.ts";

const order: readonly ControllerType[] = ["pci", "usb", "scsi", "ide", "sata", "virtio-serial"];

/** All controllers but those of smart cards, which sit behind USB hubs. */
export function controllerArguments(build: Build): string[] {
  return order.flatMap((type) =>
    inOrder(build.domain, type).flatMap((controller) => {
      const properties = propertiesOf(build, controller);
      return properties === undefined ? [] : deviceArgument(build, properties);
    }),
  );
}

/** QEMU must know a bus before something is put on it, whatever their numbers are. */
function inOrder(domain: Domain, type: ControllerType): readonly Controller[] {
  const controllers: readonly Controller[] = controllersOf(domain, type);
  if (type !== "pci") return controllers;
  const parent = (one: Controller) => (one.address?.type === "pci" ? one.address.bus : 0);
  const placed: Controller[] = [];
  const waiting = [...controllers];
  while (waiting.length > 0) {
    // The first whose bus is there; so only those that come too early are moved.
    const ready = waiting.findIndex((one) => !waiting.some((other) => other !== one && other.index === parent(one)));
    placed.push(...waiting.splice(Math.max(0, ready), 1));
  }
  return placed;
}

/** The readers that smart cards are put in. */
export function ccidArguments(build: Build): string[] {
  return controllersOf(build.domain, "ccid").flatMap((controller) =>
    deviceArgument(build, { driver: "usb-ccid", id: controller.alias, ...addressProperties(build.domain, controller) }),
  );
}

/** Settings of the host bridge, which is part of the machine. */
export function rootControllerArguments({ domain }: Build): string[] {
  const root = controllersOf(domain, "pci").find((controller) => controller.index === 0);
  const args: string[] = [];
  if (root?.pciHole64KiB !== undefined) {
    const bridge = root.model === "pcie-root" ? "q35-pcihost" : "i440FX-pcihost";
    args.push("-global", `${bridge}.pci-hole64-size=${root.pciHole64KiB}K`);
  }
  if (root?.model === "pci-root" && root.target?.hotplug !== undefined) {
    args.push("-global", `PIIX4_PM.acpi-root-pci-hotplug=${root.target.hotplug ? "on" : "off"}`);
  }
  return args;
}

function propertiesOf(build: Build, controller: Controller): Properties | undefined {
  const { domain } = build;
  const end = { id: controller.alias, ...addressProperties(domain, controller) };
  switch (controller.type) {
    case "pci": {
      const properties = pciProperties(controller);
      return properties === undefined ? undefined : { ...properties, ...end };
    }
    case "usb":
      return usbProperties(build, controller, end);
    case "scsi":
      return { ...scsiProperties(controller), ...end };
    case "ide":
      return chipsetOf(domain) === "i440fx" && controller.index === 0 ? undefined : extraIde(controller);
    case "sata":
      return chipsetOf(domain) === "q35" && controller.index === 0 ? undefined : { driver: "ahci", ...end };
    case "virtio-serial":
      return {
        driver: virtioDriver("virtio-serial", controller.model),
        ...virtioProperties(controller.driver),
        ...end,
        max_ports: controller.ports,
        vectors: controller.vectors,
      };
    default:
      return undefined;
  }
}

function extraIde(controller: Controller): never {
  throw unsupported(
    controller,
    "QEMU has no IDE controller to add here",
    "the one IDE controller of machine pc; SATA, SCSI or virtio elsewhere",
  );
}

function pciProperties({ model, name, target }: PciController): Properties | undefined {
  const reserve = target?.memReserveKiB === undefined ? {} : { "mem-reserve": target.memReserveKiB * 1024 };
  const hotplug = target?.hotplug === false ? { hotplug: false } : {};
  switch (model) {
    case "pci-bridge":
      return { driver: name, chassis_nr: target?.chassisNr, ...reserve };
    case "pci-expander-bus":
    case "pcie-expander-bus":
      return { driver: name, bus_nr: target?.busNr, numa_node: target?.node };
    case "pcie-root-port":
    case "pcie-switch-downstream-port":
      return { driver: name, port: target?.port, chassis: target?.chassis, ...hotplug, ...reserve };
    case "dmi-to-pci-bridge":
    case "pcie-switch-upstream-port":
    case "pcie-to-pci-bridge":
      return { driver: name, ...reserve };
    default:
      return undefined;
  }
}

const usbDrivers = {
  "piix3-uhci": "piix3-usb-uhci",
  "piix4-uhci": "piix4-usb-uhci",
  ehci: "usb-ehci",
  "ich9-ehci1": "ich9-usb-ehci1",
  "ich9-uhci1": "ich9-usb-uhci1",
  "ich9-uhci2": "ich9-usb-uhci2",
  "ich9-uhci3": "ich9-usb-uhci3",
  "vt82c686b-uhci": "vt82c686b-usb-uhci",
  "pci-ohci": "pci-ohci",
  "nec-xhci": "nec-usb-xhci",
  "qemu-xhci": "qemu-xhci",
} as const;

function usbProperties({ domain }: Build, controller: ControllerOf<"usb">, end: Properties): Properties | undefined {
  const { model = "piix3-uhci", ports, masterStartPort } = controller;
  if (model === "none") return undefined;
  const driver = usbDrivers[model];
  if (masterStartPort !== undefined) {
    const master = controllersOf(domain, "usb").find(
      (other) => other.index === controller.index && other.masterStartPort === undefined,
    );
    const { id: _, ...place } = end;
    return { driver, masterbus: `${master?.alias ?? "usb"}.0`, firstport: masterStartPort, ...place };
  }
  return { driver, ...(ports === undefined ? {} : { p2: ports, p3: ports }), ...end };
}

const scsiDrivers = {
  lsilogic: "lsi",
  lsisas1068: "mptsas1068",
  lsisas1078: "megasas",
  vmpvscsi: "pvscsi",
  am53c974: "am53c974",
  dc390: "dc-390",
} as const;

function scsiProperties({ model = "lsilogic", driver }: ControllerOf<"scsi">): Properties {
  if (model === "virtio-scsi" || model === "virtio-transitional" || model === "virtio-non-transitional") {
    return {
      driver: virtioDriver("virtio-scsi", model),
      ...virtioProperties(driver),
      ...iothreadProperties(driver),
      num_queues: driver?.queues,
      cmd_per_lun: driver?.cmdPerLun,
      max_sectors: driver?.maxSectors,
      ioeventfd: driver?.ioeventfd,
    };
  }
  return { driver: model === "auto" ? "lsi" : scsiDrivers[model] };
}
