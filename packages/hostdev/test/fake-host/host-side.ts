// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import type { FakeFileSystem } from "./fake-file-system.ts";
import type { FunctionOptions, HostSideDevice } from "./function-spec.ts";
import { attribute, pseudoDirectory } from "./nodes.ts";
import type { PciFunction } from "./pci-function.ts";

/** What the native driver of a function makes of it, outermost first. */
export function hostSideDevices(options: FunctionOptions): HostSideDevice[] {
  return [
    ...netDevices(options),
    ...nvmeDevices(options),
    ...diskDevices(options),
    ...drmDevices(options),
    ...soundDevices(options),
    ...(options.children ?? []),
  ];
}

/** Makes the directories, class links and nodes of a function that its native driver has bound. */
export function addHostSide(fs: FakeFileSystem, fn: PciFunction): void {
  for (const device of hostSideDevices(fn.spec)) addDevice(fs, fn.path, device);
}

/** Takes them away again, as the driver does when it is unbound. */
export function removeHostSide(fs: FakeFileSystem, fn: PciFunction): void {
  for (const device of hostSideDevices(fn.spec)) {
    for (const path of linksOf(device)) fs.remove(path);
    if (device.node !== undefined) fs.remove(device.node);
    fs.remove(`${fn.path}/${device.at.split("/")[0]}`);
  }
}

function addDevice(fs: FakeFileSystem, functionPath: string, device: HostSideDevice): void {
  const path = `${functionPath}/${device.at}`;
  fs.add(path, pseudoDirectory());
  for (const [name, text] of Object.entries(device.files ?? {})) fs.add(`${path}/${name}`, attribute(text));
  if (device.number !== undefined) fs.add(`${path}/dev`, attribute(device.number));
  if (device.class !== undefined) {
    fs.link(`${path}/subsystem`, `/sys/class/${device.class}`);
    if (device.files?.["partition"] === undefined) fs.link(`${path}/device`, deviceAbove(functionPath, device.at));
  }
  for (const link of linksOf(device)) fs.link(link, path);
  if (device.node !== undefined) {
    const kind = device.class === "block" ? "block-device" : "character-device";
    fs.add(device.node, { kind, mode: 0o660, uid: 0, gid: 0 });
  }
}

/** The device that a class device hangs under: `net/enp1s0` under the function, `nvme/nvme0/nvme0n1` under `nvme0`. */
function deviceAbove(functionPath: string, at: string): string {
  const parts = at.split("/");
  return parts.length <= 2 ? functionPath : posix.join(functionPath, ...parts.slice(0, -1));
}

function linksOf(device: HostSideDevice): string[] {
  const name = posix.basename(device.at);
  if (device.class === undefined) return [];
  const links = [`/sys/class/${device.class}/${name}`];
  if (device.class === "block") {
    if (device.files?.["partition"] === undefined) links.push(`/sys/block/${name}`);
    if (device.number !== undefined) links.push(`/sys/dev/block/${device.number}`);
  } else if (device.number !== undefined) links.push(`/sys/dev/char/${device.number}`);
  return links;
}

function netDevices({ net }: FunctionOptions): HostSideDevice[] {
  if (net === undefined) return [];
  const { name, mac = "52:54:00:12:34:56", operstate = "down" } = typeof net === "string" ? { name: net } : net;
  const flags = operstate === "up" ? "0x1003" : "0x1002";
  const files = { address: mac, addr_assign_type: "0", operstate, flags, type: "1", ifindex: "2", mtu: "1500" };
  return [{ at: `net/${name}`, class: "net", files }];
}

function nvmeDevices({ nvme }: FunctionOptions): HostSideDevice[] {
  if (nvme === undefined) return [];
  const { name, serial = "S0", partitions = 0 } = typeof nvme === "string" ? { name: nvme } : nvme;
  const controller = { at: `nvme/${name}`, class: "nvme", number: `241:${name.slice(4)}`, node: `/dev/${name}` };
  const files = { serial, model: "QEMU NVMe Ctrl", firmware_rev: "1.0", state: "live" };
  return [
    { ...controller, files },
    ...blockDevices(`nvme/${name}/${name}n1`, 259, Number(name.slice(4)) * 16, partitions, "p"),
  ];
}

function diskDevices({ disks }: FunctionOptions): HostSideDevice[] {
  return Object.entries(disks ?? {}).flatMap(([name, partitions], index) => {
    const at = `ata${index + 1}/host${index}/target${index}:0:0/${index}:0:0:0/block/${name}`;
    return blockDevices(at, 8, (name.charCodeAt(2) - 97) * 16, partitions, "");
  });
}

function blockDevices(
  at: string,
  major: number,
  minor: number,
  partitions: number,
  separator: string,
): HostSideDevice[] {
  const name = posix.basename(at);
  const disk = {
    at,
    class: "block",
    number: `${major}:${minor}`,
    node: `/dev/${name}`,
    files: { size: "2097152", ro: "0" },
  };
  const parts = Array.from({ length: partitions }, (_, index) => {
    const part = `${name}${separator}${index + 1}`;
    const files = { partition: String(index + 1), size: "1048576" };
    return {
      at: `${at}/${part}`,
      class: "block",
      number: `${major}:${minor + index + 1}`,
      node: `/dev/${part}`,
      files,
    };
  });
  return [disk, ...parts];
}

function drmDevices({ drm }: FunctionOptions): HostSideDevice[] {
  if (drm === undefined) return [];
  const index = Number(drm.slice(4));
  return [{ at: `drm/${drm}`, class: "drm", number: `226:${index}`, node: `/dev/dri/${drm}` }];
}

function soundDevices({ sound }: FunctionOptions): HostSideDevice[] {
  if (sound === undefined) return [];
  return [{ at: `sound/${sound}`, class: "sound", files: { id: "PCH" } }];
}
