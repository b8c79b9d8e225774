// SPDX-License-Identifier: Apache-2.0

/** A command of virt-install, virt-clone or virt-xml that is run on hostdev. */
export interface ToolCase {
  /** As it is typed, without `--connect`; `FOLDER` is the user's home. */
  readonly command: string;
  /** What it does here, or why it does not. */
  readonly outcome: string;
  /** What it says when it is refused. */
  readonly refusal?: RegExp;
  /** What virsh says afterwards. */
  readonly shows?: readonly (readonly [virsh: string, output: RegExp])[];
  /** Virsh commands that make the next cases possible. */
  readonly afterwards?: readonly string[];
}

/** Given to virt-install each time: what a machine without KVM and without an operating system needs. */
export const installArguments =
  "--virt-type qemu --import --memory 64 --osinfo generic --graphics none --noautoconsole --machine q35 --network none";

/** In this order, since each works on what the ones before have left. */
export const toolCases: readonly ToolCase[] = [
  {
    command: "virt-install --name sized --disk size=1",
    outcome: "makes the pool `default`, `sized.qcow2` in it, and the VM: started transient, then defined",
    shows: [
      ["vol-list default", /sized\.qcow2/],
      ["list --persistent --state-running", / sized +running/],
    ],
  },
  {
    command: "virt-install --name pathed --disk FOLDER/pathed.qcow2,size=1 --disk device=cdrom",
    outcome: "makes a pool of the folder, as on libvirt, and the image in it",
    shows: [
      ["vol-info FOLDER/pathed.qcow2", /Capacity: +1\.00 GiB/],
      ["domblklist pathed", /sdb +-/],
    ],
  },
  {
    command: "virt-install --name existing --disk FOLDER/old.qcow2",
    outcome: "takes the image that is there",
    shows: [["domblklist existing", /old\.qcow2/]],
    afterwards: ["destroy existing"],
  },
  {
    command: "virt-install --name other --disk vol=default/other.qcow2",
    outcome: "refused: there is no such volume",
    refusal: /no storage vol with matching (name|path) 'other\.qcow2'/,
  },
  {
    command: "virt-install --name passing --transient --disk none",
    outcome: "a VM that is gone when it ends",
    shows: [["list --transient", / passing +running/]],
    afterwards: ["destroy passing"],
  },
  {
    command: "virt-install --name usual --disk none --machine=",
    outcome: "without a machine: the emulator's default, as on libvirt",
    shows: [["dumpxml usual", /machine='pc-i440fx-\d/]],
    afterwards: ["destroy usual", "undefine usual"],
  },
  {
    command: "virt-install --name lent --disk none --hostdev pci_0000_00_01_0",
    outcome: "refused for a device that is not granted, with the reason and what to do",
    refusal: /Cannot (assign|use) .*0000:00:01\.0|Cannot start domain "lent"/,
  },
  {
    command: "virt-clone --original sized --auto-clone",
    outcome: "refused while the VM runs; that is virt-clone's own rule",
    refusal: /must be (paused or )?shut ?off|must be shutoff/,
    afterwards: ["destroy sized"],
  },
  {
    command: "virt-clone --original sized --auto-clone",
    outcome: "copies the VM and its image, in the same pool",
    shows: [
      ["vol-list default", /sized-clone\.qcow2/],
      ["domblklist sized-clone", /sized-clone\.qcow2/],
    ],
  },
  {
    command: "virt-clone --original sized --name third --file FOLDER/third.qcow2",
    outcome: "copies the image to another place",
    shows: [["domblklist third", /third\.qcow2/]],
    afterwards: ["undefine third"],
  },
  {
    command: "virt-clone --original sized --name fourth --preserve-data --file FOLDER/third.qcow2",
    outcome: "takes an image that is there as it is",
    shows: [["domblklist fourth", /third\.qcow2/]],
  },
  {
    command: "virt-xml sized --edit --vcpus 2",
    outcome: "changes the definition",
    shows: [["vcpucount sized", /maximum +config +2/]],
  },
  {
    command: "virt-xml sized --add-device --hostdev pci_0000_00_01_0",
    outcome: "adds a device to the definition; whether it may be used is asked at the start",
    shows: [["dumpxml sized", /<hostdev mode='subsystem' type='pci' managed='yes'>/]],
  },
  {
    command: "virt-xml sized --remove-device --hostdev 1",
    outcome: "takes it out again",
    shows: [["dumpxml sized", /^(?![\s\S]*<hostdev)/]],
  },
  {
    command: "virt-xml pathed --add-device --hostdev pci_0000_00_01_0 --update",
    outcome: "refused for a device that is not granted, or that the guest has no port for, with the reason",
    refusal: /Cannot (assign|use|attach) .*(0000:00:01\.0|no free pcie-root-port)/,
  },
  {
    command: "virt-xml pathed --add-device --disk size=1,target.bus=virtio --update",
    outcome: "makes an image and plugs it into the running VM",
    shows: [["domblklist pathed", /vda/]],
  },
  {
    command: "virt-xml pathed --remove-device --disk target=vda --update",
    outcome: "unplugs it, if the guest agrees, and takes it out of the definition",
    shows: [["domblklist pathed --inactive", /^(?![\s\S]*vda)/]],
  },
  {
    command: "virt-xml pathed --edit target=sdb --disk path=FOLDER/old.iso --update",
    outcome: "changes the medium of a drive while the VM runs",
    shows: [["domblklist pathed", /sdb +\S*old\.iso/]],
  },
];
