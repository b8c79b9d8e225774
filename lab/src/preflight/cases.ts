// SPDX-License-Identifier: Apache-2.0

import { guestXml } from "../story/guest-xml.ts";
import type { PreflightCase } from "./driver.ts";

/** One VM on one state of the machine. */
export interface Case extends PreflightCase {
  readonly name: string;
  /** Root's shell commands that break something, and those that mend it. */
  readonly arrange?: string;
  readonly restore?: string;
  /** What the check must call it; `undefined` when it must let the VM pass. */
  readonly code?: string;
}

const nic = "0000:01:00.0";
const nvme = "0000:02:00.0";
const edu = "0000:04:02.0";
const mate = "0000:04:03.0";
const held = "0000:04:01.0";

/** Shell functions for root: `bind ADDRESS DRIVER` and `unbind ADDRESS`, and the group's node of the NIC, of edu. */
export const prelude = `
unbind() { if [ -e /sys/bus/pci/devices/$1/driver ]; then echo $1 > /sys/bus/pci/devices/$1/driver/unbind; fi; }
bind() { unbind $1; echo "$2" > /sys/bus/pci/devices/$1/driver_override; echo $1 > /sys/bus/pci/drivers_probe; }
node() { echo /dev/vfio/$(basename $(readlink /sys/bus/pci/devices/$1/iommu_group)); }
NIC=$(node ${nic}); EDU=$(node ${edu})
`;

/** The machine as a grant leaves it: NIC and edu on vfio-pci with alex's nodes, edu's mates on pci-stub. */
export const prepare = `modprobe -a vfio-pci pci-stub
bind ${nic} vfio-pci; bind ${edu} vfio-pci; bind ${held} pci-stub; bind ${mate} pci-stub
chown alex $NIC $EDU`;

const vm = (devices: readonly string[], change: (xml: string) => string = (xml) => xml) =>
  change(guestXml({ name: "matrix", devices, mode: "stay" }));
const withDevices = (xml: string) => (more: string) => xml.replace("</devices>", `${more}</devices>`);
const base = vm([nic]);
const plain = vm([]);
const add = withDevices(plain);
const disk = (source: string, driver = "") =>
  `<disk type='file'>${driver}<source file='${source}'/><target dev='vda' bus='virtio'/></disk>`;
const memory = (xml: string, mib: number) => xml.replace(">256</memory>", `>${mib}</memory>`);
const gib = 1024 ** 3;

const iommu = "<iommu model='intel'><driver caching_mode='on'/></iommu>";

/** Each host device behind a port of its own. */
const behindPorts = (xml: string) => {
  let bus = 1;
  return xml.replaceAll("</hostdev>", () => `<address type='pci' bus='${bus++}'/></hostdev>`);
};

/** Everything that can be provoked in the lab; `PID` is the driver's. */
export function preflightCases(pid: number): readonly Case[] {
  const limits = (soft: number, hard: number) => `prlimit --pid ${pid} --memlock=${soft}:${hard}`;
  const usual = limits(8 * 1024 ** 2, 1.25 * gib);
  return [
    { name: "a VM without devices", xml: plain, probesQemu: true },
    { name: "a VM with a device", xml: base, probesQemu: true },
    { name: "a VM with a device of a group with held mates", xml: vm([edu]) },
    { name: "two devices of two groups", xml: vm([nic, edu]) },
    { name: "managed='yes' on a device that is lent", xml: base.replace("managed='no'", "managed='yes'") },
    {
      name: "an image, a screen, a port and a USB controller",
      xml: withDevices(base.replace("<controller type='usb' model='none'/>", ""))(
        `${disk("/tmp/matrix.img")}<graphics type='vnc' port='5977' autoport='no'/>`,
      ),
      arrange: "truncate -s 1M /tmp/matrix.img; chown alex /tmp/matrix.img",
    },
    { name: "the soft limit is low, and is raised", xml: base },
    { name: "a host driver has the device", xml: vm([nvme]), code: "HD_NOT_ON_VFIO" },
    { name: "the device is held on pci-stub", xml: vm([held]), code: "HD_NOT_ON_VFIO" },
    {
      name: "the group is not viable",
      xml: vm([edu]),
      arrange: `bind ${mate} ""`,
      restore: `bind ${mate} pci-stub`,
      code: "HD_GROUP_NOT_VIABLE",
    },
    {
      name: "the device has no driver, its group no node",
      xml: base,
      arrange: `unbind ${nic}`,
      restore: `bind ${nic} vfio-pci; chown alex $NIC`,
      code: "HD_NODE_MISSING",
    },
    {
      name: "the node is root's",
      xml: base,
      arrange: "chown root $NIC",
      restore: "chown alex $NIC",
      code: "HD_NODE_NOT_ACCESSIBLE",
    },
    {
      name: "root's process holds the group",
      xml: base,
      arrange: "(exec 9<>$NIC; exec sleep 300) >/dev/null 2>&1 & echo $! > /run/matrix.pid; sleep 0.3",
      restore: "kill $(cat /run/matrix.pid); sleep 0.3",
      code: "HD_NODE_BUSY",
    },
    {
      name: "alex's own process holds the group",
      xml: base,
      arrange:
        "setpriv --reuid alex --regid alex --clear-groups sh -c 'exec 9<>'$NIC'; exec sleep 300' >/dev/null 2>&1 & echo $! > /run/matrix.pid; sleep 0.5",
      restore: "kill $(cat /run/matrix.pid); sleep 0.3",
      code: "HD_GROUP_HELD",
    },
    {
      name: "the container's node is root's",
      xml: base,
      arrange: "chmod 0600 /dev/vfio/vfio",
      restore: "chmod 0666 /dev/vfio/vfio",
      code: "HD_CONTAINER_NOT_ACCESSIBLE",
    },
    { name: "the device is gone", xml: vm(["0000:77:00.0"]), code: "HD_DEVICE_NOT_FOUND" },
    { name: "a bridge was chosen", xml: vm(["0000:03:00.0"]), code: "HD_IS_BRIDGE" },
    {
      name: "the hard memlock limit is too low",
      xml: base,
      arrange: limits(200 * 1024 ** 2, 200 * 1024 ** 2),
      restore: usual,
      code: "HD_MEMLOCK_TOO_LOW",
    },
    { name: "more memory than there ever is", xml: memory(plain, 65536), code: "HD_MEMORY_SHORT" },
    {
      name: "the device is there twice",
      xml: vm([nic, nic]),
      startXml: base,
      extraArgs: ["-device", "vfio-pci,host=01:00.0,bus=pcie.0,addr=0x1d"],
      code: "HD_DOMAIN_INVALID",
    },
    {
      name: "two devices at one PCI address",
      xml: add("<sound model='ac97'><address type='pci' bus='0' slot='31' function='2'/></sound>"),
      startXml: plain,
      extraArgs: ["-device", "AC97,bus=pcie.0,addr=0x1f.2,audiodev=audio1"],
      code: "HD_DOMAIN_INVALID",
    },
    {
      name: "another program listens there",
      xml: add("<graphics type='vnc' port='5978' autoport='no'/>"),
      arrange:
        "systemd-socket-activate -l 127.0.0.1:5978 /bin/true >/dev/null 2>&1 & echo $! > /run/matrix.pid; sleep 1",
      restore: "kill $(cat /run/matrix.pid)",
      code: "HD_ADDRESS_IN_USE",
    },
    { name: "an image is not there", xml: add(disk("/tmp/no-such.img")), code: "HD_FILE" },
    {
      name: "an image is root's",
      xml: add(disk("/tmp/root.img")),
      arrange: "truncate -s 1M /tmp/root.img; chmod 0600 /tmp/root.img",
      code: "HD_FILE",
    },
    {
      name: "an image is of another format",
      xml: add(disk("/tmp/raw.img", "<driver name='qemu' type='qcow2'/>")),
      arrange: "truncate -s 1M /tmp/raw.img; chmod 0666 /tmp/raw.img",
      code: "HD_IMAGE_FORMAT",
    },
    {
      name: "what an image lies on is not there",
      xml: add(disk("/tmp/top.qcow2", "<driver name='qemu' type='qcow2'/>")),
      arrange: "qemu-img create -q -u -f qcow2 -F raw -b gone.img /tmp/top.qcow2 1M; chmod 0666 /tmp/top.qcow2",
      code: "HD_FILE",
    },
    {
      name: "there is no QEMU",
      xml: plain.replace("/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm"),
      code: "HD_QEMU_NOT_FOUND",
    },
    { name: "KVM is not alex's", xml: plain.replace("type='qemu'", "type='kvm'"), code: "HD_KVM_NOT_ACCESSIBLE" },
    {
      name: "QEMU has no such machine",
      xml: plain.replace("machine='q35'", "machine='pc-q35-99.0'"),
      probesQemu: true,
      code: "HD_QEMU_UNABLE",
    },
    {
      name: "QEMU has no such device",
      xml: add("<interface type='user'><model type='no-such-nic'/></interface>"),
      probesQemu: true,
      code: "HD_QEMU_UNABLE",
    },
    {
      name: "there are no hugepages",
      xml: plain.replace("</memory>", "</memory><memoryBacking><hugepages/></memoryBacking>"),
      code: "HD_HUGEPAGES_SHORT",
    },
    {
      name: "a virtio device of the old sort behind the IOMMU",
      xml: add(
        "<rng model='virtio'><driver iommu='on'/><backend model='builtin'/><address type='pci' bus='0' slot='9'/></rng>",
      ),
      code: "HD_DOMAIN_INVALID",
    },
    {
      name: "one group on one conventional bus, and an IOMMU",
      xml: withDevices(vm([held, edu]))(iommu),
      arrange: `bind ${held} vfio-pci; chown alex $EDU; ${limits(8 * 1024 ** 2, 2 * gib)}`,
    },
    {
      name: "one group in two address spaces",
      xml: behindPorts(withDevices(vm([held, edu]))(iommu)),
      restore: `bind ${held} pci-stub; ${usual}`,
      code: "HD_GROUP_SPLIT",
    },
    {
      name: "the guest's IOMMU has no caching mode",
      xml: withDevices(base)("<iommu model='intel'/>"),
      code: "HD_DOMAIN_INVALID",
    },
    {
      name: "a USB device is gone",
      xml: add(
        "<hostdev mode='subsystem' type='usb'><source><address bus='9' device='99'/></source></hostdev>",
      ).replace("<controller type='usb' model='none'/>", ""),
      code: "HD_DEVICE_NOT_FOUND",
    },
  ];
}
