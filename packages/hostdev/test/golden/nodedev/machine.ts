// SPDX-License-Identifier: Apache-2.0
import { type FakeMachine, labMachine } from "../../fake-host/index.ts";
import { attribute, pseudoDirectory } from "../../fake-host/nodes.ts";

/** Lines of a file of the kernel's or udev's, without the last line's end. */
const lines = (...texts: readonly string[]) => texts.join("\n");

/** A device that no part of the fake makes: its folder, its files, and its entry in a bus or class. */
export function addDevice(
  machine: FakeMachine,
  list: string,
  path: string,
  files: Readonly<Record<string, string>>,
): void {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (machine.fs.find(path) === undefined) machine.fs.add(path, pseudoDirectory());
  for (const [file, text] of Object.entries(files)) machine.fs.add(`${path}/${file}`, attribute(text));
  machine.fs.link(`/sys/${list}/${name}`, path);
}

const pci = "/sys/devices/pci0000:00";
/** The function with a driver that makes mediated devices. */
export const sound = `${pci}/0000:00:04.0/0000:03:00.0/0000:04:03.0`;
const xhci = `${pci}/0000:00:06.0/0000:06:00.0`;
const nvme = `${pci}/0000:00:03.0/0000:02:00.0/nvme/nvme0/nvme0n1`;
const scsiHost = `${xhci}/usb1/1-2/1-2:1.0/host0`;
const disk = `${scsiHost}/target0:0:0/0:0:0:0`;
const mdev = `${sound}/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001`;

const pciIds = lines(
  "8086  Intel Corporation",
  "\t10d3  82574L Gigabit Network Connection",
  "\t10c9  82576 Gigabit Network Connection",
  "1af4  Red Hat, Inc.",
);

/** The lab's zoo with a device of every kind that libvirt knows on a PC, udev's records, pci.ids and the DMI. */
export function nodedevMachine(): FakeMachine {
  const machine = labMachine()
    .file("/usr/share/misc/pci.ids", `${pciIds}\n`)
    .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    .file("/run/udev/data/b259:0", lines("S:disk/by-path/pci-1", "S:disk/by-id/nvme-1", "E:ID_SERIAL=LAB <1>", "V:1"))
    .file("/run/udev/data/b8:0", lines("E:ID_TYPE=disk", "E:ID_BUS=usb", "E:ID_SERIAL=STICK"))
    .file(
      "/run/udev/data/b11:0",
      lines("E:ID_TYPE=cd", "E:ID_BUS=usb", "E:ID_CDROM_MEDIA=1", "E:ID_FS_LABEL=Mir & Dir"),
    )
    .file(
      "/run/udev/data/c189:1",
      lines("E:ID_VENDOR_ID=0627", "E:ID_MODEL_ID=0001", "E:ID_VENDOR_FROM_DATABASE=Adomax"),
    )
    .build();
  const dmi = { product_name: "Standard PC", sys_vendor: "QEMU", product_version: "pc-q35", bios_vendor: "SeaBIOS" };
  addDevice(machine, "class/dmi", "/sys/devices/virtual/dmi/id", { ...dmi, bios_date: "04/01/2014" });
  for (const [name, text] of [
    ["product_uuid", "12345678-1234-1234-9596-A088B277D677"],
    ["product_serial", "S1"],
  ] as const)
    machine.fs.add(`/sys/devices/virtual/dmi/id/${name}`, attribute(text, 0o400));
  machine.command("ethtool", (args) => ({
    stdout: `Features for ${args[1]}:\nrx-checksumming: on [fixed]\ntx-checksumming: off\n\ttx-checksum-ipv4: on\nrx-vlan-offload: on\n`,
  }));
  addDevice(machine, "class/net", "/sys/devices/virtual/net/tun0", { operstate: "unknown", address: "" });
  addDevice(machine, "class/net", "/sys/devices/virtual/net/br0", {
    uevent: "DEVTYPE=bridge",
    address: "52:54:00:00:00:09",
  });
  machine.fs.add(`${nvme}/uevent`, attribute("MAJOR=259\nMINOR=0\nDEVNAME=nvme0n1\nDEVTYPE=disk"));
  machine.fs.add(`${nvme}/queue/logical_block_size`, attribute("4096"));
  addDevices(machine);
  return machine;
}

function addDevices(machine: FakeMachine): void {
  const add = (list: string, path: string, uevent: string, files: Readonly<Record<string, string>> = {}) =>
    addDevice(machine, list, path, { ...files, ...(uevent === "" ? {} : { uevent }) });
  const usb = (bus: number, device: number, minor: number) =>
    `MAJOR=189\nMINOR=${minor}\nDEVNAME=bus/usb/00${bus}/00${device}\nDEVTYPE=usb_device\nBUSNUM=00${bus}\nDEVNUM=00${device}`;
  add("bus/usb/devices", `${xhci}/usb1`, usb(1, 1, 0), {
    idVendor: "1d6b",
    idProduct: "0002",
    product: "xHCI\u0007Host",
  });
  add("bus/usb/devices", `${xhci}/usb1/1-1`, usb(1, 2, 1));
  const keyboard = {
    bInterfaceNumber: "00",
    bInterfaceClass: "03",
    bInterfaceSubClass: "01",
    bInterfaceProtocol: "1a",
  };
  add("bus/usb/devices", `${xhci}/usb1/1-1/1-1:1.0`, "DEVTYPE=usb_interface", keyboard);
  add("bus/usb/devices", `${xhci}/usb1/1-2/1-2:1.0`, "DEVTYPE=usb_interface", { bInterfaceNumber: "00" });
  add("bus/scsi/devices", scsiHost, "DEVTYPE=scsi_host");
  add("class/scsi_host", `${scsiHost}/scsi_host/host0`, "", { unique_id: "7" });
  add("bus/scsi/devices", `${scsiHost}/target0:0:0`, "DEVTYPE=scsi_target");
  add("bus/scsi/devices", disk, "DEVTYPE=scsi_device", { type: "0" });
  add("class/scsi_generic", `${disk}/scsi_generic/sg0`, "MAJOR=21\nMINOR=0\nDEVNAME=sg0");
  const size = { size: "2048", removable: "1", "queue/logical_block_size": "512" };
  add("class/block", `${disk}/block/sda`, "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk", size);
  add("class/block", `${disk}/block/sda/sda1`, "MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition");
  add("class/block", "/sys/devices/virtual/block/loop0", "MAJOR=7\nMINOR=0\nDEVNAME=loop0\nDEVTYPE=disk");
  add("class/block", "/sys/devices/platform/sr0", "MAJOR=11\nMINOR=0\nDEVNAME=sr0\nDEVTYPE=disk", size);
  const card = `${pci}/0000:00:01.0/drm/card0`;
  add("class/drm", card, "MAJOR=226\nMINOR=0\nDEVNAME=dri/card0\nDEVTYPE=drm_minor");
  add("class/drm", `${card}/card0-VGA-1`, "DEVTYPE=drm_connector");
  add(
    "class/drm",
    `${pci}/0000:00:01.0/drm/renderD128`,
    "MAJOR=226\nMINOR=128\nDEVNAME=dri/renderD128\nDEVTYPE=drm_minor",
  );
  const type = `${sound}/mdev_supported_types/lab-1`;
  for (const [file, text] of [
    ["device_api", "vfio-pci"],
    ["available_instances", "3"],
    ["name", "Lab <1>"],
  ] as const)
    machine.fs.add(`${type}/${file}`, attribute(text));
  add("bus/mdev/devices", mdev, "");
  machine.fs.link(`${mdev}/mdev_type`, type);
  machine.fs.link(`${mdev}/iommu_group`, "/sys/kernel/iommu_groups/77");
}
