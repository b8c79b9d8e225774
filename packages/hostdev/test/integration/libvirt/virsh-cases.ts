// SPDX-License-Identifier: Apache-2.0
import { guestCases } from "./virsh-guest-cases.ts";

/** A virsh command that is run on hostdev and on libvirt. */
export interface VirshCase {
  /** As it is typed; `FOLDER` is the user's folder with the XML files. */
  readonly command: string;
  /** Exit status on both, or on hostdev and on libvirt. */
  readonly status: number | readonly [hostdev: number, libvirt: number];
  /** Why the output differs; without it the output is the same. */
  readonly differs?: string;
  /** What in the output is different each time, such as times: replaced by `*` before comparing. */
  readonly ignore?: RegExp;
}

/** Times, process ids and the like. */
const figures = /\d+(\.\d+)?/g;

/** In this order, since each works on what the ones before have left. */
export const virshCases: readonly VirshCase[] = [
  { command: "uri", status: 0 },
  { command: "version", status: 0 },
  { command: "hostname", status: 0 },
  { command: "nodeinfo", status: 0 },
  { command: "nodememstats", status: 0, ignore: figures },
  { command: "freecell", status: 0, ignore: figures },
  { command: "nodecpumap", status: 0 },
  { command: "nodecpustats", status: 0, ignore: figures },
  { command: "sysinfo", status: 1 },
  { command: "maxvcpus", status: 0 },
  {
    command: "capabilities",
    status: 0,
    differs:
      "hostdev leaves out the host's CPU model and features, which libvirt takes from a table of its own, and migration, which it cannot do",
  },
  {
    command: "domcapabilities",
    status: 0,
    differs: "CPU models are the emulator's, without vendor; host-model, filesystems and sgx are not offered",
  },
  {
    command: "cpu-models x86_64",
    status: 0,
    differs: "hostdev lists the models that the emulator has, libvirt those of its own table",
  },
  { command: "nodedev-list", status: 0 },
  { command: "nodedev-list --tree", status: 0 },
  { command: "nodedev-list --cap pci", status: 0 },
  { command: "nodedev-list --cap net,storage", status: 0 },
  { command: "nodedev-list --inactive", status: 0 },
  { command: "nodedev-dumpxml computer", status: 0, ignore: /<uuid>.*/g },
  { command: "nodedev-dumpxml pci_0000_00_00_0", status: 0 },
  { command: "nodedev-info pci_0000_00_00_0", status: 0 },
  { command: "nodedev-dumpxml pci_ffff_ff_1f_7", status: 1 },
  {
    command: "nodedev-detach pci_0000_00_01_0",
    status: 1,
    differs:
      "hostdev says who can do it, and with which command; libvirt fails at a file of root's, or for want of VFIO",
  },
  {
    command: "nodedev-detach pci_0000_00_01_0 --driver vfio",
    status: 1,
    differs:
      "hostdev says who can do it, and with which command; libvirt fails at a file of root's, or for want of VFIO",
  },
  { command: "nodedev-detach computer", status: 1, differs: "libvirt looks for VFIO first" },
  {
    command: "nodedev-reattach pci_0000_00_01_0",
    status: [0, 1],
    differs:
      "the device is on a driver of the host already: nothing is to be done; libvirt tries to write a file of root's",
  },
  {
    command: "nodedev-reset pci_0000_00_01_0",
    status: 1,
    differs: "hostdev says when it is reset; libvirt fails at a file of root's",
  },
  { command: "net-list --all", status: 0 },
  { command: "pool-list --all", status: 0 },
  { command: "iface-list --all", status: 0 },
  { command: "nwfilter-list", status: 0 },
  { command: "secret-list", status: 0 },
  { command: "list --all", status: 0 },
  { command: "dominfo nobody", status: 1 },
  { command: "define FOLDER/wrong.xml", status: 1, differs: "the position and reason are hostdev's own words" },
  { command: "define FOLDER/vm.xml", status: 0 },
  { command: "define --validate FOLDER/vm.xml", status: 0 },
  { command: "list --all", status: 0 },
  { command: "list --all --title", status: 0 },
  { command: "list --all --uuid", status: 0 },
  { command: "list --name --inactive", status: 0 },
  { command: "list --managed-save --all", status: 0 },
  { command: "dominfo vm", status: 0 },
  { command: "domuuid vm", status: 0 },
  { command: "domid vm", status: 0 },
  { command: "domname 5a1f0c3e-1111-4c6e-9a01-0000000000aa", status: 0 },
  { command: "domstate vm --reason", status: 0 },
  {
    command: "dumpxml vm",
    status: 0,
    differs: "hostdev adds the watchdog that every q35 has, and lists the root bus first",
  },
  {
    command: "dumpxml vm --inactive --security-info",
    status: 0,
    differs: "hostdev adds the watchdog that every q35 has, and lists the root bus first",
  },
  { command: "domblklist vm", status: 0 },
  { command: "domiflist vm", status: 0 },
  { command: "vcpucount vm", status: 0 },
  { command: "desc vm", status: 0 },
  { command: "desc vm --config a machine to try", status: 0 },
  { command: "desc vm --title --config Trial", status: 0 },
  { command: "desc vm", status: 0 },
  { command: "metadata vm urn:hostdev:test", status: 1 },
  { command: "metadata vm urn:hostdev:test --key t --set <a/> --config", status: 0 },
  { command: "metadata vm urn:hostdev:test --config", status: 0 },
  { command: "autostart vm", status: 0 },
  { command: "list --all --autostart", status: 0 },
  { command: "autostart vm --disable", status: 0 },
  { command: "domrename vm renamed", status: 0 },
  { command: "domrename renamed vm", status: 0 },
  { command: "snapshot-list vm", status: 0 },
  {
    command: "domstats vm",
    status: 0,
    ignore: figures,
    differs: "hostdev has no processor time for a domain that is off; libvirt tells its own daemon's",
  },
  { command: "suspend vm", status: 1 },
  { command: "start vm --paused", status: 0 },
  { command: "domstate vm --reason", status: 0 },
  { command: "resume vm", status: 0 },
  { command: "start vm", status: 1 },
  { command: "list", status: 0 },
  { command: "domid vm", status: 0 },
  { command: "domstate vm --reason", status: 0 },
  { command: "dominfo vm", status: 0, ignore: /\d+(\.\d+)?s$/gm },
  { command: "domcontrol vm", status: 0 },
  {
    command: "domstats vm",
    status: 0,
    ignore: figures,
  },
  { command: "domstats --list-active --state", status: 0 },
  {
    command: "dommemstat vm",
    status: 0,
    ignore: figures,
  },
  { command: "vcpuinfo vm", status: 0, ignore: /\d+\.\d+s|CPU: +\d$/gm },
  { command: "vcpucount vm", status: 0 },
  { command: "domifaddr vm", status: 0 },
  { command: "ttyconsole vm", status: 0, ignore: figures },
  { command: "domdisplay vm", status: 1 },
  { command: "schedinfo vm", status: 1 },
  {
    command: "dumpxml vm",
    status: 0,
    ignore: /pts\/\d+/g,
    differs:
      "libvirt adds the features that the CPU has in the end; hostdev adds the watchdog that every q35 has, and lists the root bus first",
  },
  { command: "domrename vm renamed", status: 1 },
  {
    command: "attach-device vm FOLDER/rng.xml --live",
    status: [1, 0],
    differs: "hostdev plugs in disks, network cards and host devices only",
  },
  { command: "attach-device vm FOLDER/card.xml --live", status: 0 },
  { command: "domiflist vm", status: 0 },
  { command: "attach-device vm FOLDER/card.xml --config", status: 0 },
  { command: "detach-device vm FOLDER/card.xml --config", status: 0 },
  {
    command: "attach-device vm FOLDER/wrong.xml",
    status: 1,
    differs: "the position and reason are hostdev's own words",
  },
  { command: "suspend vm", status: 0 },
  { command: "domstate vm --reason", status: 0 },
  { command: "resume vm", status: 0 },
  { command: "reset vm", status: 0 },
  { command: "reboot vm", status: 0 },
  { command: "shutdown vm", status: 0 },
  { command: "undefine vm", status: 0 },
  { command: "dominfo vm", status: 0, ignore: /\d+(\.\d+)?s$/gm },
  { command: "define FOLDER/vm.xml", status: 0 },
  { command: "destroy vm --graceful", status: 0 },
  { command: "destroy vm", status: 1 },
  { command: "domstate vm --reason", status: 0 },
  { command: "undefine vm", status: 0 },
  { command: "create FOLDER/vm.xml", status: 0 },
  { command: "list --transient", status: 0, ignore: /^ \d+/gm },
  { command: "define FOLDER/vm.xml", status: 0 },
  { command: "destroy vm", status: 0 },
  { command: "undefine vm --remove-all-storage", status: 0 },
  { command: "list --all", status: 0 },
  { command: "managedsave vm", status: 1 },
  ...guestCases,
  { command: "event --all --timeout 1", status: 1 },
  { command: "nodedev-event --event lifecycle --timeout 1", status: 1 },
];
