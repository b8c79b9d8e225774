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
