// SPDX-License-Identifier: Apache-2.0

/** A small VM of the story, as its user would write it. */
export interface GuestDescription {
  readonly name: string;
  /** Host's PCI addresses, as `0000:01:00.0`. */
  readonly devices: readonly string[];
  /** What the small guest does after its tests: end, or wait for orders. Default `once`. */
  readonly mode?: "once" | "stay";
}

/** The libvirt domain of a VM that runs the lab's bare-metal guest with assigned devices. */
export function guestXml({ name, devices, mode = "once" }: GuestDescription): string {
  return `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>${name}</name>
  <memory unit='MiB'>256</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <loader type='rom'>/opt/lab/guest.rom</loader>
  </os>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='pty'/>
${devices.map(hostDeviceXml).join("\n")}
  </devices>
  <qemu:commandline>
    <qemu:arg value='-fw_cfg'/>
    <qemu:arg value='name=opt/hostdev/mode,string=${mode}'/>
  </qemu:commandline>
</domain>
`;
}

function hostDeviceXml(address: string): string {
  const [domain, bus, rest] = address.split(":");
  const [slot, fn] = rest?.split(".") ?? [];
  return `    <hostdev mode='subsystem' type='pci' managed='no'>
      <source>
        <address domain='0x${domain}' bus='0x${bus}' slot='0x${slot}' function='0x${fn}'/>
      </source>
    </hostdev>`;
}
