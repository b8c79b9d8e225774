// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../domain/domain.ts";
import { capabilitiesOf, type QemuVersion } from "./capabilities.ts";
import { type QemuEnvironment, shortName } from "./environment.ts";
import type { FirmwareDescriptor } from "./firmware.ts";

const ovmf = (
  features: readonly string[],
  machines: readonly string[],
  code: string,
  vars: string,
): FirmwareDescriptor => {
  const format = code.endsWith(".qcow2") ? "qcow2" : "raw";
  return {
    interface: "uefi",
    executable: { path: `/usr/share/edk2/ovmf/${code}`, format },
    nvramTemplate: { path: `/usr/share/edk2/ovmf/${vars}`, format },
    machines,
    features,
  };
};

const q35 = ["pc-q35-*"];
const both = ["pc-i440fx-*", "pc-q35-*"];
const secure = ["requires-smm", "secure-boot"];

/** Firmware as Fedora's packages edk2-ovmf and seabios-bin install it. */
const fedoraFirmware: readonly FirmwareDescriptor[] = [
  ovmf([...secure, "enrolled-keys"], q35, "OVMF_CODE_4M.secboot.qcow2", "OVMF_VARS_4M.secboot.qcow2"),
  ovmf([...secure, "enrolled-keys"], q35, "OVMF_CODE.secboot.fd", "OVMF_VARS.secboot.fd"),
  ovmf(secure, q35, "OVMF_CODE_4M.secboot.qcow2", "OVMF_VARS_4M.qcow2"),
  ovmf(secure, q35, "OVMF_CODE.secboot.fd", "OVMF_VARS.fd"),
  ovmf([], both, "OVMF_CODE_4M.qcow2", "OVMF_VARS_4M.qcow2"),
  ovmf([], both, "OVMF_CODE.fd", "OVMF_VARS.fd"),
  {
    interface: "uefi",
    executable: { path: "/usr/share/edk2/ovmf/OVMF.amdsev.fd", format: "raw" },
    machines: q35,
    features: ["amd-sev", "amd-sev-es"],
  },
  {
    interface: "bios",
    executable: { path: "/usr/share/seabios/bios-256k.bin", format: "raw" },
    machines: both,
    features: [],
  },
];

/**
 * The environment of an ordinary libvirt system daemon on a host with KVM, without looking at any host: what
 * `domxml-to-native` prints for, and what libvirt's own test data assumes.
 */
export function referenceEnvironment(domain: Domain, version: QemuVersion): QemuEnvironment {
  const name = shortName(domain);
  let next = 3;
  const descriptor = () => next++;
  return {
    capabilities: capabilitiesOf(version),
    emulator: "/usr/bin/qemu-system-x86_64",
    runtimeDirectory: `/var/lib/libvirt/qemu/domain-${name}`,
    memoryDirectory: `/var/lib/libvirt/qemu/ram/${name}`,
    nvramDirectory: "/var/lib/libvirt/qemu/nvram",
    tpmSocket: "/dev/test",
    passtSocket: (alias) => `/var/run/libvirt/qemu/passt/${name}-${alias}.socket`,
    dbusSocket: `/var/run/libvirt/qemu/dbus/${name}-dbus.sock`,
    monitor: { descriptor: descriptor() },
    startPaused: true,
    kvm: true,
    hugepages: [
      { sizeKiB: 2048, directory: `/dev/hugepages2M/libvirt/qemu/${name}` },
      { sizeKiB: 1048576, directory: `/dev/hugepages1G/libvirt/qemu/${name}` },
    ],
    hostNodes: [0, 1, 2, 3, 4, 5, 6, 7],
    nodesOfCpus: (cpus) => [...new Set(cpus.map((cpu) => Math.floor(cpu / 4)))],
    ports: { vnc: 5900, websocket: 5700, spice: 5901, spiceTls: 5902 },
    spicePassword: true,
    now: new Date(),
    renderNode: "/dev/dri/foo",
    isCdromDrive: (path) => path === "/dev/cdrom",
    scsiNode: () => "/dev/sg0",
    chardevCertificates: "/etc/pki/libvirt-chardev",
    spiceCertificates: "/etc/pki/libvirt-spice",
    vsockCid: 42,
    firmware: fedoraFirmware,
    descriptors: {
      listen: descriptor,
      file: descriptor,
      tap: (_alias, queues, vhost) => ({
        fds: Array.from({ length: queues }, descriptor),
        vhostFds: vhost ? Array.from({ length: queues }, descriptor) : [],
      }),
      vdpa: descriptor,
      vhost: descriptor,
      helper: descriptor,
    },
    sandbox: "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
  };
}
