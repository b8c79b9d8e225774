// SPDX-License-Identifier: Apache-2.0

/** Rules about the other devices. libvirt: qemu_validate.c. */
import { invalid, unsupported } from "../../xml/complaint.ts";
import { controllersOf } from "../controllers.ts";
import { virtioNetworkModel } from "../devices/network-interface.ts";
import type { Domain } from "../domain.ts";
import { chipsetOf } from "../machine.ts";

export function validateDevices(domain: Domain): void {
  validateControllers(domain);
  validateInterfaces(domain);
  validateScreens(domain);
  validateInputs(domain);
  validateShmem(domain);
  validateIommu(domain);
  validateWatchdogs(domain);
  validatePorts(domain);
  const panics = domain.devices.panics.map((panic) => panic.model);
  const twice = domain.devices.panics.find((panic, index) => panics.indexOf(panic.model) !== index);
  if (twice !== undefined) throw invalid(twice, `there are two panic devices of model ${twice.model}`);
}

function validateControllers(domain: Domain): void {
  for (const usb of controllersOf(domain, "usb")) {
    const isXhci = usb.model === "nec-xhci" || usb.model === "qemu-xhci";
    if (usb.ports !== undefined && !isXhci)
      throw invalid(usb, `a controller of model ${usb.model} has a fixed number of ports`);
    if ((usb.ports ?? 0) > 15)
      throw invalid(usb, `a controller of model ${usb.model} has at most 15 ports, not ${usb.ports}`);
  }
  const cells = domain.cpu?.numa?.cells.length ?? 0;
  for (const controller of controllersOf(domain, "pci")) {
    const { model, target, index } = controller;
    const isRoot = model === "pci-root" || model === "pcie-root";
    if (isRoot !== (index === 0))
      throw invalid(controller, `a pci controller of model ${model} cannot have index ${index}`);
    if (isRoot && (model === "pcie-root") !== (chipsetOf(domain) === "q35"))
      throw invalid(controller, `machine ${domain.os.type.machine} has no ${model}`);
    const node = target?.node;
    if (node !== undefined && node >= cells)
      throw invalid(controller, `there is no NUMA cell ${node}; the guest has ${cells}`);
    if (node !== undefined && model !== "pci-expander-bus" && model !== "pcie-expander-bus")
      throw invalid(controller, "<node> is for expander buses");
    if (controller.pciHole64KiB !== undefined && !isRoot) throw invalid(controller, "<pcihole64> is for the root bus");
  }
  const indexes = new Set<string>();
  for (const controller of domain.devices.controllers) {
    if (controller.type === "usb" || controller.type === "pci") continue;
    const key = `${controller.type} ${controller.index}`;
    if (indexes.has(key))
      throw invalid(controller, `there are two ${controller.type} controllers with index ${controller.index}`);
    indexes.add(key);
  }
  if (chipsetOf(domain) === "q35") {
    const [ide] = controllersOf(domain, "ide");
    const disk = domain.devices.disks.find((candidate) => candidate.target.bus === "ide");
    if (disk !== undefined ? true : ide !== undefined) {
      throw unsupported(disk ?? ide ?? domain, "machine q35 has no IDE controller", "bus sata, scsi, virtio or usb");
    }
  }
}

function validateInterfaces({ devices }: Domain): void {
  for (const card of devices.interfaces) {
    if (card.type === "hostdev") continue;
    const isVirtio = virtioNetworkModel(card) !== undefined;
    const queues = card.driver?.queues ?? 0;
    if (queues > 1 && isVirtio && !["bridge", "ethernet", "vhostuser"].includes(card.type)) {
      throw unsupported(
        card,
        `an interface of type ${card.type} has one queue`,
        "queues with types bridge, ethernet and vhostuser",
      );
    }
    if (card.teaming?.type === "persistent" && !isVirtio)
      throw invalid(card.teaming, "the persistent interface of a team has the model virtio");
    if (card.teaming?.type === "transient")
      throw invalid(card.teaming, "the transient interface of a team is a host device");
    if (card.type === "vhostuser" && !isVirtio)
      throw invalid(card, "an interface of type vhostuser has the model virtio");
    if (
      card.rom?.enabled === false &&
      (card.rom.bar ?? (card.rom.file === "" ? undefined : card.rom.file)) !== undefined
    ) {
      throw invalid(card, "a <rom> that is not enabled has neither bar nor file");
    }
    const { rxQueueSize = 256, txQueueSize = 256 } = card.driver ?? {};
    for (const size of [rxQueueSize, txQueueSize])
      if (Math.log2(size) % 1 !== 0) throw invalid(card, `a queue size of ${size} is not a power of two`);
  }
}

function validateScreens({ devices }: Domain): void {
  const kinds = devices.graphics.map((graphics) => graphics.type);
  const twice = devices.graphics.find((graphics, index) => kinds.indexOf(graphics.type) !== index);
  if (twice !== undefined) throw unsupported(twice, `there are two screens of type ${twice.type}`, "one of each type");
  for (const graphics of devices.graphics) {
    if (!("listens" in graphics)) continue;
    const [, second] = graphics.listens;
    if (second !== undefined) throw unsupported(second, "there are two <listen>", "one <listen>");
    const [first] = graphics.listens;
    if (first?.type === "address" && graphics.listen !== undefined && first.address !== graphics.listen) {
      throw invalid(graphics, `attribute listen='${graphics.listen}' is not the address of <listen>, ${first.address}`);
    }
  }
  for (const [index, video] of devices.videos.entries()) {
    if (video.model?.type === "none" && devices.videos.length > 1)
      throw invalid(video, "a video of type none is the only one");
    const canBeSecond = ["qxl", "virtio", "bochs", "vga", undefined].includes(video.model?.type);
    if (index > 0 && !canBeSecond)
      throw unsupported(
        video,
        `a card of type ${video.model?.type} can only be the first`,
        "types qxl, virtio, bochs and vga",
      );
    if (video.model?.blob !== undefined && video.model.type !== "virtio")
      throw invalid(video, "blob is for type virtio");
    const hasResolution = ["vga", "qxl", "virtio", "bochs", "ramfb"].includes(video.model?.type ?? "");
    if (video.model?.resolution !== undefined && !hasResolution)
      throw unsupported(
        video,
        `a card of type ${video.model.type} has no <resolution>`,
        "types vga, qxl, virtio and bochs",
      );
  }
}

function validateInputs({ devices }: Domain): void {
  for (const input of devices.inputs) {
    if (input.type === "evdev") continue;
    if (input.bus !== "virtio" && (input.driver ?? input.model) !== undefined)
      throw invalid(input, "<driver> and model are for bus='virtio'");
    if (input.model !== undefined && input.model !== "virtio" && input.type !== "passthrough") {
      throw unsupported(
        input,
        `model '${input.model}' is not supported for type='${input.type}'`,
        "model virtio; transitional ones for type passthrough",
      );
    }
    if (input.type === "passthrough" && input.bus !== "virtio")
      throw unsupported(input, `type='passthrough' on the bus ${input.bus} is not supported`, "bus virtio");
    if (input.type === "tablet" && input.bus === "ps2")
      throw unsupported(input, "there are no PS/2 tablets", "bus usb or virtio");
  }
}

function validateShmem({ devices }: Domain): void {
  for (const shmem of devices.shmems) {
    const kib = shmem.sizeKiB;
    if (kib !== undefined && (kib < 1024 || Math.log2(kib) % 1 !== 0)) {
      throw invalid(shmem, `a size of ${kib} KiB is not a power of two from 1 MiB (1024 KiB) on`);
    }
    const hasServer = shmem.server !== undefined;
    if (shmem.msi !== undefined && !hasServer) throw invalid(shmem, "<msi> needs a <server>");
    const isDoorbell = shmem.modelType?.type === "ivshmem-doorbell";
    if (isDoorbell && !hasServer) throw invalid(shmem, "model ivshmem-doorbell needs a <server>");
    if (!isDoorbell && hasServer) throw invalid(shmem, "a <server> needs model ivshmem-doorbell");
    if (isDoorbell && kib !== undefined) throw invalid(shmem, "with a <server>, that one decides on the size");
  }
}

function validateIommu(domain: Domain): void {
  const { iommu } = domain.devices;
  if (iommu === undefined) return;
  if (chipsetOf(domain) !== "q35")
    throw unsupported(iommu, `an IOMMU of model ${iommu.model} needs machine q35`, "machine q35");
  if (iommu.model !== "intel") return;
  const { driver } = iommu;
  if (driver?.intremap === true && domain.features?.ioapic !== "qemu")
    throw invalid(iommu, "intremap='on' needs <ioapic driver='qemu'/> in <features>");
  if (driver?.eim === true && driver.intremap !== true) throw invalid(iommu, "eim='on' needs intremap='on'");
}

function validateWatchdogs(domain: Domain): void {
  const { watchdogs } = domain.devices;
  for (const watchdog of watchdogs) {
    if (watchdog.action !== watchdogs[0]?.action)
      throw unsupported(
        watchdog,
        "all watchdogs do the same when they bite",
        `action '${watchdogs[0]?.action}' for all`,
      );
    if (watchdog.model === "itco" && chipsetOf(domain) !== "q35")
      throw unsupported(watchdog, "model itco is part of machine q35", "model i6300esb or ib700");
  }
  const models = watchdogs.map((watchdog) => watchdog.model);
  const twice = watchdogs.find((watchdog, index) => models.indexOf(watchdog.model) !== index);
  if (twice?.model === "ib700" || twice?.model === "itco")
    throw invalid(twice, `there are two watchdogs of model ${twice.model}`);
}

function validatePorts({ devices }: Domain): void {
  const hasSpice = devices.graphics.some((graphics) => graphics.type === "spice");
  const ports = [
    ...devices.serials,
    ...devices.parallels,
    ...devices.channels,
    ...devices.consoles,
    ...devices.redirdevs,
  ];
  const needsSpice = ports.find((device) => device.type === "spicevmc" || device.type === "spiceport");
  if (needsSpice !== undefined && !hasSpice)
    throw invalid(needsSpice, `type='${needsSpice.type}' needs a <graphics type='spice'>`);
  for (const serial of devices.serials) {
    const { type, port = 0, model } = serial.target ?? {};
    if (type === "isa-serial" && port > 3)
      throw unsupported(serial, `serial port ${port} does not exist`, "ports 0 to 3 of type isa-serial");
    const expected = type === "isa-debug" ? "isa-debugcon" : type;
    if (model !== expected) throw invalid(serial, `model ${model} does not go with type ${type}`);
  }
  for (const device of [...devices.serials, ...devices.channels, ...devices.redirdevs]) {
    const reconnects = (device.type === "unix" || device.type === "tcp") && device.source?.reconnect !== undefined;
    if (reconnects && device.source?.mode !== "connect") throw invalid(device, "<reconnect> is for mode='connect'");
  }
}
