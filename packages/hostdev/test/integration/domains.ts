// SPDX-License-Identifier: Apache-2.0

/** A domain that both daemons run everywhere: emulated, small, without an operating system. */
export const testDomain = `<domain type='qemu'>
  <name>vm</name>
  <uuid>5a1f0c3e-1111-4c6e-9a01-0000000000aa</uuid>
  <title>Trial machine</title>
  <memory unit='KiB'>65536</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <controller type='pci' index='2' model='pcie-root-port'/>
    <controller type='pci' index='3' model='pcie-root-port'/>
    <controller type='pci' index='4' model='pcie-root-port'/>
    <serial type='pty'/>
    <console type='pty'/>
  </devices>
</domain>
`;

/** A device to plug in. */
export const testRng = `<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
`;

/** A network card to plug in. */
export const testCard = `<interface type='user'><mac address='52:54:00:00:00:aa'/><model type='virtio'/></interface>
`;

/** A domain with a part of each kind that commands are about; its files lie in FOLDER. */
export const testGuest = `<domain type='qemu'>
  <name>vm</name>
  <uuid>5a1f0c3e-1111-4c6e-9a01-0000000000aa</uuid>
  <memory unit='KiB'>131072</memory>
  <vcpu current='1'>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='FOLDER/disk.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='FOLDER/cd.iso'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
    ${[1, 2, 3, 4, 5, 6, 7].map((index) => `<controller type='pci' index='${index}' model='pcie-root-port'/>`).join("\n    ")}
    <interface type='user'><mac address='52:54:00:00:00:aa'/><model type='virtio'/></interface>
    <serial type='pty'/>
    <console type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <video><model type='vga'/></video>
    <watchdog model='i6300esb' action='reset'/>
  </devices>
</domain>
`;

/** A domain that stops when it finds its disk unreadable, as soon as it looks for something to boot. */
export const unreadableGuest = `<domain type='qemu'>
  <name>bad</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' error_policy='stop' rerror_policy='stop'/>
      <source file='FOLDER/bad.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
`;
