// SPDX-License-Identifier: Apache-2.0

/** Rules about the machine as a whole. */
import { invalid, unsupported } from "../../xml/complaint.ts";
import type { Domain } from "../domain.ts";
import { switchState } from "../features.ts";
import { chipsetOf } from "../machine.ts";

/** Refuses machines that contradict themselves. */
export function validateGeneral(domain: Domain): void {
  validateBootOrder(domain);
  validateProcessors(domain);
  validateManyProcessors(domain);
  validatePlacement(domain);
  validateFeatures(domain);
  validateIothreads(domain);
  validateSmbios(domain);
}

function validateBootOrder({ os, devices }: Domain): void {
  const orders = new Set<number>();
  for (const device of [...devices.disks, ...devices.interfaces, ...devices.hostDevices, ...devices.redirdevs]) {
    if (device.boot === undefined) continue;
    if (os.boot.length > 0)
      throw invalid(device, "<boot order='...'> of devices cannot be used together with <boot dev='...'> of <os>");
    if (orders.has(device.boot.order)) throw invalid(device, `boot order ${device.boot.order} is used twice`);
    orders.add(device.boot.order);
  }
}

function validateProcessors({ vcpu, cpu }: Domain): void {
  const count = vcpu?.count ?? 1;
  const place = vcpu ?? {};
  if ((vcpu?.current ?? count) > count)
    throw invalid(place, `current='${vcpu?.current}' is more than the ${count} processors there can be`);
  const topology = cpu?.topology;
  if (topology !== undefined) {
    const { sockets, dies = 1, clusters = 1, cores, threads } = topology;
    if (sockets * dies * clusters * cores * threads !== count) {
      throw invalid(
        topology,
        `${sockets} x ${dies} x ${clusters} x ${cores} x ${threads} processors are not the ${count} of <vcpu>`,
      );
    }
    if (clusters !== 1) throw unsupported(topology, "PCs have no processor clusters", "clusters='1'");
  }
  if (
    cpu !== undefined &&
    cpu.features.length > 0 &&
    (cpu.mode ?? "custom") === "custom" &&
    cpu.model?.name === undefined
  )
    throw invalid(cpu, "features need a <model> that they are changes to");
  validateCpuDetails(cpu);
  const assigned = new Set<number>();
  for (const cell of cpu?.numa?.cells ?? []) {
    for (const number of cell.cpus ?? []) {
      if (assigned.has(number)) throw invalid(cell, `processor ${number} is in two NUMA cells`);
      if (number >= count) throw invalid(cell, `there is no processor ${number}; they go from 0 to ${count - 1}`);
      assigned.add(number);
    }
  }
}

function validateCpuDetails(cpu: Domain["cpu"]): void {
  const { cache, maxPhysAddr, mode } = cpu ?? {};
  const isHosts = mode === "host-passthrough" || mode === "maximum";
  if (cache?.mode === "passthrough" && !isHosts)
    throw invalid(cache, "cache mode 'passthrough' is for cpu modes host-passthrough and maximum");
  if (maxPhysAddr === undefined) return;
  if (maxPhysAddr.mode === "passthrough") {
    if (!isHosts) throw invalid(maxPhysAddr, "mode 'passthrough' is for cpu modes host-passthrough and maximum");
    if (maxPhysAddr.bits !== undefined) throw invalid(maxPhysAddr, "bits are for mode 'emulate'");
  } else {
    if (maxPhysAddr.bits === undefined) throw invalid(maxPhysAddr, "attribute 'bits' is missing");
    if (maxPhysAddr.limit !== undefined) throw invalid(maxPhysAddr, "limit is for mode 'passthrough'");
  }
}

/** More processors than xAPIC has numbers for need an IOMMU that knows longer ones. */
function validateManyProcessors(domain: Domain): void {
  const { iommu } = domain.devices;
  const count = domain.vcpu?.count ?? 1;
  if (count <= 255) return;
  if (iommu?.model !== "intel" || iommu.driver?.eim !== true)
    throw invalid(
      domain.vcpu ?? domain,
      `${count} processors need an <iommu model='intel'> with eim='on'; without it there are at most 255`,
    );
}

function validatePlacement({ vcpu, numatune }: Domain): void {
  const memory = numatune?.memory;
  if (memory !== undefined && memory.placement === "static" && memory.nodes === undefined) {
    throw invalid(memory, "placement='static' needs a nodeset");
  }
  const auto = memory?.placement === "auto" ? memory : vcpu?.placement === "auto" ? vcpu : undefined;
  if (auto !== undefined)
    throw unsupported(auto, "placement='auto' needs the service numad", "placement='static' with a cpuset or nodeset");
}

function validateFeatures(domain: Domain): void {
  const { features, devices } = domain;
  const place = features ?? domain;
  if (features?.ps2 === false) {
    if (switchState(features.vmport) === true)
      throw invalid(place, "<vmport> needs the PS/2 controller, which <ps2 state='off'/> switches off");
    const input = devices.inputs.find((device) => device.type !== "evdev" && device.bus === "ps2");
    if (input !== undefined)
      throw invalid(input, "it needs the PS/2 controller, which <ps2 state='off'/> switches off");
  }
  const tseg = features?.smm?.tsegKiB?.kib ?? 0;
  if (tseg % 1024 !== 0) throw invalid(features?.smm ?? place, `a <tseg> of ${tseg} KiB is not in whole MiB`);
  if (features?.smm?.tsegKiB !== undefined && chipsetOf(domain) !== "q35")
    throw unsupported(features.smm, "<tseg> is only for q35", "machine q35");
  if (features?.ioapic !== undefined && domain.type !== "kvm")
    throw unsupported(place, "<ioapic> is for domains of type kvm", "type kvm");
  if (features?.kvm?.dirtyRing?.state === true && features.kvm.dirtyRing.size === undefined)
    throw invalid(features.kvm.dirtyRing, "attribute 'size' is missing");
}

function validateIothreads({ iothreadIds, cputune, devices }: Domain): void {
  const ids = new Set<number>();
  for (const thread of iothreadIds?.list ?? []) {
    if (ids.has(thread.id)) throw invalid(thread, `iothread ${thread.id} is listed twice`);
    ids.add(thread.id);
  }
  const check = (place: object, id: number | undefined) => {
    if (id !== undefined && !ids.has(id)) throw invalid(place, `there is no iothread ${id}`);
  };
  for (const pin of cputune?.iothreadpins ?? []) check(pin, pin.iothread);
  for (const entry of cputune?.iothreadscheds ?? []) for (const id of entry.iothreads) check(entry, id);
  for (const disk of devices.disks) {
    check(disk, disk.driver?.iothread);
    for (const thread of disk.driver?.iothreads?.list ?? []) check(thread, thread.id);
    const uses = disk.driver?.iothread ?? disk.driver?.iothreads;
    if (uses !== undefined && disk.target.bus !== "virtio")
      throw unsupported(
        disk,
        `a disk on the bus ${disk.target.bus} has no iothread of its own`,
        "iothreads for virtio disks and virtio-scsi controllers",
      );
  }
  for (const controller of devices.controllers) {
    if (controller.type !== "scsi") continue;
    check(controller, controller.driver?.iothread);
    const uses = controller.driver?.iothread ?? controller.driver?.iothreads;
    if (uses !== undefined && controller.model === "lsilogic")
      throw unsupported(controller, "only virtio-scsi has iothreads", "model virtio-scsi");
  }
}

function validateSmbios({ sysinfo, uuid, os }: Domain): void {
  for (const info of sysinfo) {
    if (info.type === "fwcfg") {
      for (const entry of info.entries) validateFirmwareEntry(entry);
      continue;
    }
    const date = info.bios?.entries.find((entry) => entry.name === "date")?.value;
    if (date !== undefined && !/^\d{1,2}\/\d{1,2}\/(\d{2}|\d{4})$/.test(date))
      throw invalid(info.bios ?? info, `date ${JSON.stringify(date)} is not written MM/DD/YYYY`);
    const written = info.system?.entries.find((entry) => entry.name === "uuid")?.value;
    if (written !== undefined && written.toLowerCase() !== uuid) {
      throw invalid(info.system ?? info, `its uuid ${written} is not that of the domain, ${uuid}`);
    }
  }
  if (os.smbios?.mode === "sysinfo" && !sysinfo.some((info) => info.type === "smbios"))
    throw invalid(os.smbios, "mode='sysinfo' needs a <sysinfo type='smbios'>");
}

/** The names below `opt/` are for users; the others are QEMU's own. */
function validateFirmwareEntry(entry: { name: string; file?: string | undefined; value?: string | undefined }): void {
  if (!/^opt\/[^,]{1,51}$/.test(entry.name)) throw invalid(entry, `its name ${entry.name} does not start with opt/`);
  if ((entry.file === undefined) === (entry.value === undefined))
    throw invalid(entry, `entry ${entry.name} needs a text or a file, and not both`);
}
