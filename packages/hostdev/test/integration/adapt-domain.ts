// SPDX-License-Identifier: Apache-2.0

/**
 * A domain changed so that this machine has what it is made of: images are small files in a folder, networks and
 * devices beyond a socket are left out or stand-ins. What the guest sees, its devices and their addresses, stays.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Disk } from "../../src/domain/devices/disk.ts";
import type { Domain } from "../../src/domain/domain.ts";
import { emptyQcow2 } from "./qemu-tools.ts";

/** Why a domain cannot be started here whatever is changed; `undefined` when it can be tried. */
export function unfitReason(domain: Domain): string | undefined {
  const { devices, memoryBacking, cpu, features, os } = domain;
  if (devices.hostDevices.length > 0 || devices.interfaces.some((card) => card.type === "hostdev"))
    return "devices of the host";
  if (devices.disks.some((disk) => disk.type === "vhostuser" || disk.type === "nvme"))
    return "a disk by another program";
  if (devices.interfaces.some((card) => card.type === "vhostuser" || card.type === "vdpa"))
    return "a network card by another program";
  if (devices.interfaces.some((card) => card.type === "mcast" || card.type === "client")) return "another machine";
  if (devices.filesystems.some((one) => one.driver?.type === "virtiofs")) return "virtiofsd";
  if (devices.tpms.length > 0) return "a TPM";
  if (devices.vsock !== undefined) return "vhost";
  if (devices.smartcards.length > 0) return "a smart card";
  if (devices.shmems.some((one) => one.server !== undefined)) return "a shared memory server";
  if (devices.videos.some((one) => one.driver?.name === "vhostuser" || one.model?.acceleration?.accel3d === true))
    return "a GPU";
  if (devices.graphics.some((one) => one.type === "sdl" || one.type === "dbus" || one.type === "egl-headless"))
    return "a screen of the host";
  if (devices.inputs.some((one) => one.type === "evdev" || one.type === "passthrough")) return "an input device";
  if (memoryBacking?.hugepages !== undefined) return "hugepages";
  if (devices.memories.some((one) => "source" in one && one.source !== undefined)) return "memory of the host";
  if (cpu?.mode === "host-passthrough" || features?.ioapic !== undefined) return "KVM";
  if (features?.hyperv !== undefined || features?.kvm?.dirtyRing !== undefined) return "KVM";
  if (os.loader?.path !== undefined) return "firmware of another machine";
  if ((domain.qemuCommandline?.args.length ?? 0) > 0) return "arguments of the user's own";
  if (devices.redirdevs.some((one) => one.type !== "spicevmc")) return "a USB server";
  if (devices.videos.some((one) => one.model?.blob === true)) return "a GPU";
  return undefined;
}

/** Changes a domain in place. */
export function adaptDomain(domain: Domain, directory: string): void {
  const { devices, os } = domain;
  domain.type = "qemu";
  delete devices.emulator;
  delete domain.memoryBacking;
  delete domain.numatune;
  for (const part of ["kernel", "initrd", "dtb"] as const) delete os[part];
  delete os.cmdline;
  delete os.nvram;
  delete os.acpi;
  domain.sysinfo = domain.sysinfo.filter((info) => info.type === "smbios");
  for (const [index, disk] of devices.disks.entries()) devices.disks[index] = fileDisk(disk, directory, index);
  for (const [index, card] of devices.interfaces.entries()) {
    if (card.type === "hostdev") continue;
    const { mac, address, alias, model, boot, rom, acpiIndex, mtu } = card;
    const driver = {
      ...card.driver,
      name: "qemu",
      queues: undefined,
      txQueueSize: undefined,
      rss: undefined,
      rssHashReport: undefined,
    };
    const kept = { mac, address, alias, model, boot, rom, acpiIndex, mtu, driver, ips: [], portForwards: [] };
    devices.interfaces[index] = { type: "user", ...kept } as unknown as typeof card;
  }
  for (const filesystem of devices.filesystems) filesystem.source.dir = directory;
  // What is said to a port goes nowhere.
  for (const list of [devices.serials, devices.parallels, devices.consoles, devices.channels] as const) {
    for (const [index, port] of list.entries()) {
      const { type: _type, source: _source, log: _log, ...rest } = port as unknown as Record<string, unknown>;
      if (["spicevmc", "spiceport", "qemu-vdagent"].includes(port.type)) continue;
      (list as unknown[])[index] = { ...rest, type: "null" };
    }
  }
  for (const [index, rng] of devices.rngs.entries()) {
    if (rng.backend.model !== "builtin") devices.rngs[index] = { ...rng, backend: { model: "builtin" } } as typeof rng;
  }
  for (const [index, audio] of devices.audios.entries()) devices.audios[index] = { id: audio.id, type: "none" };
  for (const [index, graphics] of devices.graphics.entries()) {
    const listens = [{ type: "socket", socket: join(directory, `screen${index}.sock`) }];
    devices.graphics[index] = { ...graphics, listens } as typeof graphics;
  }
}

/** The same disk for the guest, on a file of this test. */
function fileDisk(disk: Disk, directory: string, index: number): Disk {
  const isEmpty = disk.source === undefined;
  const { type: _type, source: _source, backingStore: _backing, ...rest } = disk as unknown as Record<string, unknown>;
  const format = disk.driver?.type === "qcow2" ? "qcow2" : "raw";
  const file = join(directory, `disk${index}`);
  if (!isEmpty) writeFileSync(file, format === "qcow2" ? emptyQcow2(1 << 20) : Buffer.alloc(1440 * 1024));
  const driver = disk.driver === undefined ? undefined : { ...disk.driver, type: format };
  return { ...rest, type: "file", driver, ...(isEmpty ? {} : { source: { file, labels: [] } }) } as unknown as Disk;
}
