// SPDX-License-Identifier: Apache-2.0

import { findController } from "../../domain/controllers.ts";
/** Devices of the host. libvirt: qemuBuildPCIHostdevDevProps, qemuBuildHostdevMediatedDevProps and their kin. */
import type { HostDevice, HostDeviceOf } from "../../domain/devices/host-device.ts";
import type { InterfaceOf } from "../../domain/devices/network-interface.ts";
import { formatPciAddress } from "../../pci/address.ts";
import { invalid, unsupported } from "../../xml/complaint.ts";
import { addressProperties, romProperties, virtioDriver } from "./address.ts";
import { bootIndex } from "./boot-order.ts";
import { nodeCountOf } from "./disk.ts";
import { type Build, deviceArgument, json, type Properties } from "./options.ts";

/** All host devices, those that are network interfaces first. */
export function hostDeviceArguments(build: Build): string[] {
  const { interfaces, hostDevices } = build.domain.devices;
  const backends = { next: nodeCountOf(build.domain) + 1 };
  return [
    ...interfaces.flatMap((card) => (card.type === "hostdev" ? assignedInterface(build, card) : [])),
    ...hostDevices.flatMap((device) =>
      device.address?.type === "unassigned" ? [] : oneDevice(build, device, backends),
    ),
  ];
}

function assignedInterface(build: Build, card: InterfaceOf<"hostdev">): string[] {
  return deviceArgument(build, {
    driver: "vfio-pci",
    host: formatPciAddress(card.source.address),
    id: card.alias,
    bootindex: bootIndex(build.domain, card),
    failover_pair_id: card.teaming?.persistent,
    ...addressProperties(build.domain, card),
    ...romProperties(card),
  });
}

function oneDevice(build: Build, device: HostDevice, backends: { next: number }): string[] {
  switch (device.type) {
    case "pci":
      return pciDevice(build, device);
    case "usb":
      return usbDevice(build, device);
    case "scsi":
      return scsiDevice(build, device, backends.next++);
    case "scsi_host":
      return vhostScsi(build, device);
    case "mdev":
      return mediatedDevice(build, device);
  }
}

function pciDevice(build: Build, device: HostDeviceOf<"pci">): string[] {
  return deviceArgument(build, {
    driver: device.ramfb === true ? "vfio-pci-nohotplug" : "vfio-pci",
    host: formatPciAddress(device.source.address),
    id: device.alias,
    display: onOff(device.display),
    ramfb: device.ramfb === true ? true : undefined,
    bootindex: device.boot?.order,
    failover_pair_id: device.teaming?.persistent,
    ...addressProperties(build.domain, device),
    ...romProperties(device),
  });
}

function mediatedDevice(build: Build, device: HostDeviceOf<"mdev">): string[] {
  return deviceArgument(build, {
    driver: device.ramfb === true ? "vfio-pci-nohotplug" : "vfio-pci",
    id: device.alias,
    sysfsdev: `/sys/bus/mdev/devices/${device.source.uuid}`,
    display: onOff(device.display ?? false),
    ramfb: device.ramfb === true ? true : undefined,
    bootindex: device.boot?.order,
    ...addressProperties(build.domain, device),
    ...romProperties(device),
  });
}

function usbDevice(build: Build, device: HostDeviceOf<"usb">): string[] {
  const { address, vendor, product, guestReset } = device.source;
  const id = (value: number | undefined) => (value === undefined ? undefined : value);
  const which: Properties =
    address === undefined
      ? { vendorid: id(vendor), productid: id(product) }
      : { hostdevice: `/dev/bus/usb/${padded(address.bus)}/${padded(address.device)}` };
  if (address === undefined && (vendor === undefined || product === undefined)) {
    throw invalid(device.source, "a USB device is named by <vendor> and <product>, or by <address>");
  }
  return deviceArgument(build, {
    driver: "usb-host",
    ...which,
    id: device.alias,
    bootindex: device.boot?.order,
    ...(guestReset === undefined
      ? {}
      : { "guest-reset": guestReset !== "off", "guest-resets-all": guestReset === "on" }),
    ...addressProperties(build.domain, device),
  });
}

function scsiDevice(build: Build, device: HostDeviceOf<"scsi">, number: number): string[] {
  const { source } = device;
  const node = `libvirt-${number}-backend`;
  const place = device.address?.type === "drive" ? device.address : { controller: 0, bus: 0, target: 0, unit: 0 };
  const controller = findController(build.domain, "scsi", place.controller);
  const bus = controller?.alias ?? `scsi${place.controller}`;
  const blockdev = { ...scsiBackend(build, source), "node-name": node, "read-only": device.readonly };
  const narrow = controller?.model === "lsilogic";
  return [
    "-blockdev",
    json(blockdev),
    ...deviceArgument(build, {
      driver: "scsi-generic",
      drive: node,
      id: device.alias,
      bootindex: device.boot?.order,
      ...(narrow
        ? { bus: `${bus}.${place.bus}`, "scsi-id": place.unit }
        : { bus: `${bus}.0`, channel: place.bus, "scsi-id": place.target, lun: place.unit }),
    }),
  ];
}

function scsiBackend(build: Build, source: HostDeviceOf<"scsi">["source"]): Properties {
  if (source.protocol === "adapter") {
    const { bus, target, unit } = source.address;
    const filename = build.environment.scsiNode?.(source.adapter.name, bus, target, unit);
    if (filename === undefined) {
      throw unsupported(
        source,
        `the node of SCSI device ${source.adapter.name} ${bus}:${target}:${unit} is not known here`,
        "a SCSI device that this host has",
      );
    }
    return { driver: "host_device", filename };
  }
  const [target = "", lun = "0"] = source.name.split("/");
  const portal = `${source.host.name}:${source.host.port ?? 3260}`;
  return {
    driver: "iscsi",
    portal,
    target,
    lun: Number(lun),
    transport: "tcp",
    "initiator-name": source.initiator?.iqn,
  };
}

function vhostScsi(build: Build, device: HostDeviceOf<"scsi_host">): string[] {
  const vhostfd = build.environment.descriptors.vhost?.("scsi");
  return deviceArgument(build, {
    driver: virtioDriver("vhost-scsi", device.model),
    wwpn: device.source.wwpn,
    vhostfd: vhostfd === undefined ? undefined : String(vhostfd),
    id: device.alias,
    ...addressProperties(build.domain, device),
  });
}

function padded(number: number): string {
  return String(number).padStart(3, "0");
}

function onOff(value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : value ? "on" : "off";
}
