// SPDX-License-Identifier: Apache-2.0

/** Rules about the other devices. libvirt: qemu_validate.c. */
import { invalid, unsupported } from "../../xml/complaint.ts";
import { listOf } from "../../xml/values.ts";
import { multiqueueTypes, virtioNetworkModel } from "../devices/network-interface.ts";
import type { Domain } from "../domain.ts";
import { chipsetOf } from "../machine.ts";
import { validateControllers } from "./controllers.ts";
import { validateScreens } from "./screens.ts";

/** Refuses devices that the machine cannot have, alone or together. */
export function validateDevices(domain: Domain): void {
  validateControllers(domain);
  validateInterfaces(domain);
  validateScreens(domain);
  validateInputs(domain);
  validateShmem(domain);
  validateIommu(domain);
  validateWatchdogs(domain);
  validateSingles(domain);
  validatePorts(domain);
  const panics = domain.devices.panics.map((panic) => panic.model);
  const twice = domain.devices.panics.find((panic, index) => panics.indexOf(panic.model) !== index);
  if (twice !== undefined) throw invalid(twice, `there are two panic devices of model ${twice.model}`);
}

function validateInterfaces({ devices }: Domain): void {
  for (const card of devices.interfaces) {
    if (card.type === "hostdev") continue;
    const isVirtio = virtioNetworkModel(card) !== undefined;
    const queues = card.driver?.queues ?? 0;
    if (queues > 1 && isVirtio && !multiqueueTypes.includes(card.type)) {
      throw unsupported(
        card,
        `an interface of type ${card.type} has one queue`,
        `queues with types ${listOf(multiqueueTypes)}`,
      );
    }
    if (card.model === "ne2k_isa" || card.model === "usb-net")
      throw unsupported(card, `model ${card.model} is not on PCI`, "models on PCI, such as virtio, e1000e and rtl8139");
    if (card.type === "vdpa" && !isVirtio) throw invalid(card, "an interface of type vdpa has the model virtio");
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

function validateSingles({ devices }: Domain): void {
  const [, second] = devices.tpms;
  if (second !== undefined) throw unsupported(second, "there are two TPMs", "one TPM");
  for (const smartcard of devices.smartcards) {
    if (smartcard.mode === "host-certificates" && smartcard.certificates.length !== 3)
      throw invalid(smartcard, `it takes three certificates, not ${smartcard.certificates.length}`);
  }
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
    const again = reconnects ? device.source?.reconnect : undefined;
    if (again?.enabled === true && again.timeoutSeconds === undefined)
      throw invalid(again, "attribute 'timeout' is missing");
    if (reconnects && device.source?.mode !== "connect") throw invalid(device, "<reconnect> is for mode='connect'");
  }
}
