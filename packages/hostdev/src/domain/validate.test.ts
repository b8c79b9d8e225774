// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type SampleParts, sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "./parse.ts";

const disk = (body: string, attributes = "") => `<disk type='block' ${attributes}><source dev='/dev/x'/>${body}</disk>`;
const pci = (slot: number, more = "") => `<address type='pci' domain='0' bus='0' slot='${slot}' function='0'/>${more}`;
const hostPci = "<hostdev type='pci'><source><address bus='1'/></source></hostdev>";

/** A rule, a domain that breaks it, and what is said then. */
const broken: readonly (readonly [rule: string, parts: SampleParts, message: RegExp])[] = [
  [
    "a boot order of devices excludes one of <os>",
    { os: "<boot dev='hd'/>", devices: disk("<target dev='vda'/><boot order='1'/>") },
    /cannot be used together/,
  ],
  [
    "boot orders are unique",
    { devices: disk("<target dev='vda'/><boot order='1'/>") + disk("<target dev='vdb'/><boot order='1'/>") },
    /boot order 1 is used twice/,
  ],
  [
    "the topology has the right number of processors",
    { body: "<vcpu>3</vcpu><cpu><topology sockets='1' cores='2' threads='1'/></cpu>" },
    /1 x 1 x 1 x 2 x 1 processors are not the 3/,
  ],
  [
    "not more processors now than there can be",
    { body: "<vcpu current='3'>2</vcpu>" },
    /current='3' is more than the 2/,
  ],
  [
    "NUMA cells are numbered without gaps",
    { memory: "", body: "<cpu><numa><cell id='0' cpus='0' memory='9999'/><cell id='2' memory='9999'/></numa></cpu>" },
    /numbered from 0/,
  ],
  [
    "a processor is in one NUMA cell",
    { memory: "", body: "<cpu><numa><cell cpus='0' memory='9999'/><cell cpus='0' memory='9999'/></numa></cpu>" },
    /processor 0 is in two/,
  ],
  ["automatic placement is not supported", { body: "<vcpu placement='auto'>1</vcpu>" }, /numad/],
  ["memory is not unlimited", { memory: "<memory>9007199254740991</memory>" }, /too large/],
  ["there is some memory", { memory: "" }, /the memory size is missing/],
  [
    "hugepages have one general size",
    {
      body: "<memoryBacking><hugepages><page size='2' unit='MiB'/><page size='1' unit='GiB'/></hugepages></memoryBacking>",
    },
    /two sizes/,
  ],
  [
    "threads that are scheduled exist",
    { body: "<iothreads>1</iothreads><cputune><iothreadsched iothreads='2' scheduler='idle'/></cputune>" },
    /there is no iothread 2/,
  ],
  [
    "a processor has one scheduler",
    {
      body: "<vcpu>2</vcpu><cputune><vcpusched vcpus='0-1' scheduler='idle'/><vcpusched vcpus='1' scheduler='batch'/></cputune>",
    },
    /the scheduler of vcpu 1 is given twice/,
  ],
  [
    "a real-time scheduler has a priority",
    { body: "<cputune><emulatorsched scheduler='fifo'/></cputune>" },
    /the scheduler fifo needs a priority/,
  ],
  [
    "entries of fw_cfg are the user's own",
    { body: "<sysinfo type='fwcfg'><entry name='etc/system-states'>x</entry></sysinfo>" },
    /does not start with opt\//,
  ],
  [
    "a pci-bridge comes after its bus",
    { devices: "<controller type='pci' index='1' model='pci-bridge'/>" },
    /a pci-bridge with index 1 cannot be on bus 1/,
  ],
  [
    "a bus without an index gets the lowest free one, which must not be the root's",
    { devices: "<controller type='pci' model='pcie-root-port'/>" },
    /the bus with index 0 is the pcie-root, not a pcie-root-port; give this one an index/,
  ],
  [
    "no bus is behind itself",
    {
      devices:
        "<controller type='pci' index='1' model='pcie-switch-upstream-port'><address type='pci' bus='2'/></controller>" +
        "<controller type='pci' index='2' model='pcie-switch-downstream-port'><address type='pci' bus='1'/></controller>",
    },
    /behind itself/,
  ],
  [
    "there is one USB controller of an index",
    { devices: "<controller type='usb' index='0' model='ehci'/><controller type='usb' index='0' model='ehci'/>" },
    /two usb controllers with index 0/,
  ],
  [
    "a companion has a master",
    { devices: "<controller type='usb' index='1' model='ich9-uhci1'><master startport='0'/></controller>" },
    /its master, the usb controller with index 1, is not there/,
  ],
  [
    "network cards are on PCI",
    { devices: "<interface type='user'><model type='ne2k_isa'/></interface>" },
    /model ne2k_isa is not on PCI/,
  ],
  ["iothreads exist", { devices: disk("<driver iothread='1'/><target dev='vda'/>") }, /there is no iothread 1/],
  [
    "the PS/2 controller is needed by PS/2 devices",
    { body: "<features><ps2 state='off'/></features>", devices: "<input type='mouse' bus='ps2'/>" },
    /switches off/,
  ],
  ["EFI firmware needs ACPI", { os: "<loader readonly='yes' type='pflash'>/f.fd</loader>" }, /needs <acpi\/>/],
  ["a ROM has no variables", { os: "<loader type='rom'>/f.bin</loader><nvram>/v.fd</nvram>" }, /keeps variables/],
  ["firmware has a name", { os: "<loader readonly='yes' type='pflash'/>" }, /is not named/],
  [
    "SMBIOS has the domain's UUID",
    {
      body: "<sysinfo type='smbios'><system><entry name='uuid'>5a1f0c3e-1111-4c6e-9a01-000000000000</entry></system></sysinfo>",
    },
    /is not that of the domain/,
  ],
  [
    "a disk has an address of its bus",
    { devices: disk(`<target dev='sda' bus='sata'/>${pci(5)}`) },
    /cannot have an address of type pci; it takes drive/,
  ],
  [
    "disks have names of their own",
    { devices: disk("<target dev='vda'/>") + disk("<target dev='vda'/>") },
    /two disks have the name vda/,
  ],
  [
    "a lun is a block device",
    { devices: "<disk type='file' device='lun'><source file='/f'/><target dev='sda' bus='scsi'/></disk>" },
    /for block devices/,
  ],
  ["a lun is on SCSI", { devices: disk("<target dev='vda'/>", "device='lun'") }, /on the bus virtio is not supported/],
  ["q35 has no IDE", { devices: disk("<target dev='hda'/>") }, /has no IDE controller/],
  [
    "options of virtio are for virtio",
    { devices: disk("<driver queues='2'/><target dev='sda' bus='sata'/>") },
    /queues is only for virtio disks/,
  ],
  ["host devices are given once", { devices: hostPci + hostPci }, /0000:01:00.0 is given twice/],
  [
    "host devices are given once, interfaces too",
    { devices: `${hostPci}<interface type='hostdev'><source><address type='pci' bus='1'/></source></interface>` },
    /given twice/,
  ],
  [
    "display needs a screen",
    {
      devices:
        "<hostdev type='mdev' model='vfio-pci' display='on'><source><address uuid='6a0c4f5e-7b0e-4d5e-8d5f-3c6a1f2b3c4d'/></source></hostdev>",
    },
    /needs a <graphics>/,
  ],
  [
    "a disabled ROM has no file",
    { devices: hostPci.replace("</hostdev>", "<rom enabled='no' file='/r'/></hostdev>") },
    /neither bar nor file/,
  ],
  [
    "PCI controllers have indexes of their own",
    { devices: "<controller type='pci' index='1' model='pcie-root-port'/>".repeat(2) },
    /two pci controllers with index 1/,
  ],
  [
    "PCI addresses are taken once",
    { machine: "pc", devices: `<sound model='ac97'>${pci(5)}</sound><sound model='es1370'>${pci(5)}</sound>` },
    /0000:00:05.0 is taken/,
  ],
  [
    "PCI addresses are on a bus that there is",
    { devices: "<sound model='ac97'><address type='pci' domain='1' slot='2'/></sound>" },
    /only PCI domain 0/,
  ],
  [
    "the SATA controller of q35 stays in its place",
    { devices: `<controller type='sata' index='0'>${pci(5)}</controller>` },
    /must be at 00:1f.2/,
  ],
  [
    "USB devices need a controller",
    { devices: "<controller type='usb' model='none'/><input type='tablet' bus='usb'/>" },
    /needs USB/,
  ],
  [
    "USB ports exist",
    { devices: "<input type='tablet' bus='usb'><address type='usb' bus='0' port='9'/></input>" },
    /port 9 of USB bus 0 does not exist/,
  ],
  [
    "hubs exist",
    { devices: "<input type='tablet' bus='usb'><address type='usb' bus='0' port='1.1'/></input>" },
    /there is no hub at port 1/,
  ],
  [
    "xHCI has at most 15 ports",
    { devices: "<controller type='usb' model='qemu-xhci' ports='16'/>" },
    /at most 15 ports/,
  ],
  [
    "aliases are unique",
    {
      devices:
        "<input type='tablet' bus='usb'><alias name='ua-x'/></input><rng model='virtio'><backend model='builtin'/><alias name='ua-x'/></rng>",
    },
    /alias ua-x is used twice/,
  ],
  [
    "one primary video card",
    { devices: "<video><model type='vga' primary='yes'/></video>".repeat(2) },
    /only one video card/,
  ],
  ["one screen of each type", { devices: "<graphics type='vnc'/>".repeat(2) }, /two screens of type vnc/],
  [
    "SPICE channels need SPICE",
    { devices: "<channel type='spicevmc'><target type='virtio'/></channel>" },
    /needs a <graphics type='spice'>/,
  ],
  [
    "shared memory is a power of two",
    { devices: "<shmem name='s'><size unit='M'>3</size></shmem>" },
    /not a power of two/,
  ],
  [
    "memory devices need room",
    { devices: "<memory model='dimm'><target><size>4096</size></target></memory>" },
    /need <maxMemory>/,
  ],
  ["the vIOMMU needs q35", { machine: "pc", devices: "<iommu model='intel'/>" }, /needs machine q35/],
  [
    "a security model has one label",
    { body: "<seclabel type='none' model='dac'/><seclabel type='dynamic' model='dac'/>" },
    /given twice/,
  ],
  ["machines are PCs", { machine: "microvm" }, /machine "microvm" is not supported/],
];

for (const [rule, parts, message] of broken) {
  test(`parseDomain() enforces: ${rule}`, () => {
    assert.throws(() => parseDomain(sampleDomain(parts)), message);
  });
}
