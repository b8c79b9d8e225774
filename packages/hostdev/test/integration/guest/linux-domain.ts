// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestUser } from "../programs.ts";
import { makeLinuxGuest } from "./linux-guest.ts";

/**
 * Writes definitions of a VM that runs the Linux guest into a user's folder, and makes its disks: `linux.xml`, and
 * `plain.xml` without a shared folder, whose driver cannot be suspended.
 *
 * @param virtiofsd the program that shares the user's folder `shared`; without it nothing is shared.
 */
export function writeLinuxDomain(user: TestUser, virtiofsd: string | undefined): void {
  const { kernel, initrd } = makeLinuxGuest(user);
  mkdirSync(join(user.folder, "shared"));
  for (const name of ["disk.img", "more.img"]) {
    writeFileSync(join(user.folder, name), "");
    truncateSync(join(user.folder, name), 16 << 20);
  }
  for (const name of ["shared", "disk.img", "more.img"]) user.own(join(user.folder, name));
  writeFileSync(join(user.folder, "key.pub"), "ssh-ed25519 AAAA someone\n");
  const plain = `<domain type='qemu'>
  <name>linux</name>
  <uuid>5a1f0c3e-1111-4c6e-9a01-0000000000bb</uuid>
  <memory unit='MiB'>192</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu current='1'>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>${kernel}</kernel>
    <initrd>${initrd}</initrd>
    <cmdline>console=ttyS0 quiet mitigations=off ipv6.disable=1 reboot=pci</cmdline>
  </os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' discard='unmap'/>
      <source file='${join(user.folder, "disk.img")}'/>
      <target dev='vda' bus='virtio'/>
      <serial>first</serial>
    </disk>
    ${[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((index) => `<controller type='pci' index='${index}' model='pcie-root-port'/>`).join("\n    ")}
    <interface type='user'><mac address='52:54:00:00:00:aa'/><model type='virtio'/><rom enabled='no'/></interface>
    <serial type='file'><source path='${join(user.folder, "home/serial.log")}'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <video><model type='none'/></video>
    <memballoon model='virtio'/>
  </devices>
</domain>
`;
  const filesystem = `<filesystem type='mount'>
      <driver type='virtiofs'/>
      <binary path='${virtiofsd}'/>
      <source dir='${join(user.folder, "shared")}'/>
      <target dir='shared'/>
    </filesystem>
    <video>`;
  writeFileSync(join(user.folder, "plain.xml"), plain);
  writeFileSync(join(user.folder, "linux.xml"), virtiofsd === undefined ? plain : plain.replace("<video>", filesystem));
}
